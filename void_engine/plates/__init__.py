"""Plates: EXR sequences in and out with nothing lost, and movies turned into them."""
