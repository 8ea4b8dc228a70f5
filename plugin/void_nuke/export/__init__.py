"""Turns what the artist picked into plates, mattes and a job."""
