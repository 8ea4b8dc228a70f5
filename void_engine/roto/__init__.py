"""Roto shapes to mattes: flattening, exact coverage, feather, and the matte of a role."""
