"""Finds the sequence that an EXR file behind a host's plate belongs to."""

from __future__ import annotations

from pathlib import Path

from void_engine.errors import EngineError
from void_engine.plates.file_kinds import EXR_SUFFIXES
from void_engine.plates.sequence.pattern import FramePattern


def sequence_of(path: Path) -> tuple[FramePattern, int] | None:
    """The sequence that an EXR file belongs to, and its number in it; None where it belongs to none."""
    name = path.name
    if (
        not path.is_absolute()
        or path.suffix.lower() not in EXR_SUFFIXES
        or "%" in str(path)
        or "#" in str(path)
    ):
        return None
    end = len(path.stem)
    begin = end
    while begin and name[begin - 1].isdecimal() and name[begin - 1].isascii():
        begin -= 1
    digits = name[begin:end]
    if not 0 < len(digits) <= 9:
        return None
    token = f"%0{len(digits)}d" if len(digits) > 1 else "%d"
    try:
        return FramePattern.parse(path.with_name(f"{name[:begin]}{token}{path.suffix}")), int(digits)
    except EngineError:
        return None
