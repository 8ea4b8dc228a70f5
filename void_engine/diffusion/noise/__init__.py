"""Where denoising starts: seeded noise, noise that moves with the picture, and noise as it was published."""
