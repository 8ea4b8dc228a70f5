"""Plates: EXR sequences are read and written without any loss, and movies are converted to them."""
