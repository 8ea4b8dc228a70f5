"""Many shots in one run: lists of shots, what is left to do of them, and how each went."""
