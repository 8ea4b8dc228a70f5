"""What lies on disk of a removal: its record, its folder, its finished frames."""
