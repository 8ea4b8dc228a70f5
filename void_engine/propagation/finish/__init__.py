"""Step 4 of propagation: edges, detail, thin structures and grain, so that no eye finds the patch."""
