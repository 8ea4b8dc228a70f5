"""The ways in which a scene-linear plate is shown to a model; :mod:`void_engine.colour.picture` does it."""

ENCODINGS = ("shoulder", "srgb", "acescct", "view")
