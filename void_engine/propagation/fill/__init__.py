"""Step 3: what no frame shows, invented once on key frames and carried along."""
