"""The names of the encodings in which a plate is shown to a model; loading them loads no packages.

:mod:`void_engine.colour.picture` implements them.
"""

ENCODINGS = ("shoulder", "srgb", "acescct", "view")
