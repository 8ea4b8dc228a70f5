"""Turns patterns with a frame number, ``plate.%04d.exr`` or ``plate.####.exr``, into file names."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from void_protocol.job_check import FRAME_TOKEN, frame_tokens, split_folder

_FROM_NUMBER_ON = re.compile(rf"[._-]?(?:{FRAME_TOKEN.pattern}).*")


def has_frame_token(pattern: str) -> bool:
    """Whether the pattern names one file for each frame, rather than one file for all."""
    return bool(frame_tokens(pattern))


def frame_path(pattern: str, frame: int) -> Path:
    """Return the file of one frame. ``#`` counts digits as ``%0Nd`` does; without a token it is always the
    same file."""
    before, number, after = _parsed(pattern)
    return Path(before + format(frame, number) + after) if number else Path(before)


@lru_cache(256)  # a shot asks for thousands of frames of one pattern
def _parsed(pattern: str) -> tuple[str, str, str]:
    """Split into what comes before the frame number, the number's format (empty for none), and what comes
    after."""
    folder, name = split_folder(pattern)
    match = FRAME_TOKEN.search(name)
    if match is None:
        return pattern, "", ""
    return folder + name[: match.start()], _number_format(match.group()), name[match.end() :]


def _number_format(token: str) -> str:
    if token.startswith("#"):
        return f"0{len(token)}d"
    digits = re.sub(r"\D", "", token)
    if digits.startswith("0") and len(digits) > 1:
        return f"0{int(digits)}d"
    return f"{int(digits)}d" if digits.strip("0") else "d"


def path_beside(pattern: str, ending: str) -> Path:
    """Return the name of a file beside the frames of a pattern: for ``out/shot_v002.%04d.exr`` and
    ``.check.json`` it is ``out/shot_v002.check.json``."""
    path = Path(pattern)
    name = _FROM_NUMBER_ON.sub("", path.name) or path.stem
    return path.with_name(f"{name if name != path.name else path.stem}{ending}")


def absolute_pattern(pattern: str) -> str:
    """Make the pattern absolute on this machine. Symbolic links stay as they are written."""
    return str(Path(pattern).absolute())
