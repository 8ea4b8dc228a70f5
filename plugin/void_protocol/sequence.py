"""Frame numbers in file names: ``plate.%04d.exr`` or ``plate.####.exr``."""

from __future__ import annotations

import re
from pathlib import Path

from .job_check import FRAME_TOKEN, frame_tokens, split_folder


def has_frame_token(pattern: str) -> bool:
    """Whether the pattern names one file for each frame, rather than one file for all."""
    return bool(frame_tokens(pattern))


def frame_path(pattern: str, frame: int) -> Path:
    """The file of one frame. ``#`` counts digits as ``%0Nd`` does; a pattern without a token is itself."""
    folder, name = split_folder(pattern)
    return Path(folder + FRAME_TOKEN.sub(lambda token: _number(token.group(), frame), name, count=1))


def _number(token: str, frame: int) -> str:
    if token.startswith("#"):
        return f"{frame:0{len(token)}d}"
    digits = re.sub(r"\D", "", token)
    return (
        f"{frame:0{int(digits)}d}"
        if digits.startswith("0") and len(digits) > 1
        else (f"{frame:{int(digits)}d}" if digits else f"{frame:d}")
    )


def absolute_pattern(pattern: str) -> str:
    """The pattern from the root of this machine's file system; links stay as they are written."""
    return str(Path(pattern).absolute())
