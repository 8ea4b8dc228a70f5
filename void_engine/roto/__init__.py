"""Roto: artists' spline shapes become mattes by flattening, exact pixel coverage and feather."""
