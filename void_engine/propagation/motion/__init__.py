"""Step 1: how the picture moves, as one camera, as layers, and pixel by pixel."""
