"""Many shots at once: where they are listed, how they went, what is left to do."""
