"""What a file is, by the ending of its name alone: an EXR, another picture, or a movie."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

Kind = Literal["exr", "picture", "movie"]

EXR_SUFFIXES = (".exr", ".sxr", ".mxr")
"""Endings of EXR files, by which OpenImageIO chooses its reader."""
_PICTURES = frozenset(
    (".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".tga", ".sgi", ".webp", ".hdr")
)
_MOVIES = frozenset(
    (".mov", ".mp4", ".m4v", ".mkv", ".mxf", ".avi", ".webm", ".mpg", ".mpeg", ".m2ts", ".mts", ".ts", ".y4m")
)


def kind_of(name: str | PurePath) -> Kind | None:
    """The kind of a file, or of the files of a pattern; None for a name that says nothing known."""
    suffix = PurePath(name).suffix.lower()
    if suffix in EXR_SUFFIXES:
        return "exr"
    if suffix in _PICTURES:
        return "picture"
    return "movie" if suffix in _MOVIES else None
