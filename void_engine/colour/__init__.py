"""Colour: scene-linear plates become the display-referred pictures that a model was trained on, and back."""
