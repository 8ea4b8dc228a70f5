"""The denoising loop: windows, schedule, processes that share them, checkpoints and previews."""
