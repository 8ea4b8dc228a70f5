"""Removals from submission to read-back, and what the script remembers of them."""
