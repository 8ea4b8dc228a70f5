"""Removals from submission to the Read node, and what the script remembers of them."""
