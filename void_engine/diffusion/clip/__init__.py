"""A shot as the model is shown it: its canvas, its conditions, and the frames that the artist has cleaned."""
