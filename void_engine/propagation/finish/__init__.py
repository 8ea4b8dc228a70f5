"""Step 4: what the eye would find: edges, detail, thin structures and grain."""
