"""Pixels between host and EXR: the private folder of pixel files, raw rows, and the plate's colour space."""
