"""The initial noise of denoising: seeded, warped along the motion of the picture, or as it was published."""
