"""The model's view of a shot: its canvas, its conditions, and the frames that the artist has cleaned."""
