"""Where files lie: what may be opened and how large, waiting for what passes, what survives a power cut."""
