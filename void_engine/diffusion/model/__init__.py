"""The published model: its folder on disk, its networks, and their place in memory while they work."""
