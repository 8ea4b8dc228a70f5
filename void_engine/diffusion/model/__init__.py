"""The published model's folder, its networks, and where they lie in memory while they work."""
