"""The denoising loop, with its windows, noise schedule, cooperating processes, checkpoints and previews."""
