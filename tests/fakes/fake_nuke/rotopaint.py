# The names are those of Nuke's own module.
"""Stands in for the module ``nuke.rotopaint``."""

from tests.fakes.fake_nuke.curves import (
    AnimAttributes,
    AnimControlPoint,
    CurveKnob,
    CVec3,
    Element,
    FlagType,
    Layer,
    Shape,
    ShapeControlPoint,
    Stroke,
)

__all__ = [
    "AnimAttributes",
    "AnimControlPoint",
    "CVec3",
    "CurveKnob",
    "Element",
    "FlagType",
    "Layer",
    "Shape",
    "ShapeControlPoint",
    "Stroke",
]
