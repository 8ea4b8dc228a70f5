"""Step 3 of propagation: what no frame shows is synthesised once on key frames and warped to the others."""
