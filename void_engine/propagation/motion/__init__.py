"""Step 1 of propagation: the motion of the picture, as one camera, as two layers, and as optical flow."""
