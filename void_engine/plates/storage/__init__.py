"""Storage: which files may be opened and how large they may be, waiting for obstacles, durable writing."""
