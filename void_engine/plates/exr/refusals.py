"""Why an EXR file cannot be read, in a line that an artist understands.

OpenImageIO's own messages name codes of OpenEXR, limits in its own terms, and what it guesses. What is known
of the header by then says it better.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from void_engine.errors import PlateError, RefusedFileError
from void_engine.plates.exr.header_limits import PartOutline
from void_engine.plates.storage.access import with_own_name

_CODE = re.compile(r"^EXR Error\b.*?\): EXR_ERR_(?P<code>[A-Z0-9_]+) ?(?P<text>.*)$", re.DOTALL)
_MISSING = re.compile(r"^'(?P<name>[^']+)' attribute")
_DIMENSION = re.compile(r"(?:image dimension|tile size) (?P<size>\S+) exceeds .*? = (?P<most>\d+) ")
_LIMIT = re.compile(r"exceeds the .*limit|exceeds \"limits:")
_IN_THE_HEADER = frozenset(
    {"ATTR_SIZE_MISMATCH", "FILE_BAD_HEADER", "INVALID_ATTR", "INVALID_ARGUMENT", "BAD_CHUNK_LEADER"}
)
_MOST_SUBSAMPLED = 8
"""A header that says more than this is damaged."""
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def refuse_by_header(parts: Sequence[PartOutline], described: str) -> None:
    """Refuse what is EXR but no plate.

    Args:
        parts: what the headers of the file's parts say.
        described: the name of the frame in messages.

    Raises:
        PlateError: for luma and chroma, channels that have not all pixels, and cube maps.
    """
    for part in parts:
        names = {channel.name for channel in part.channels}
        if {b"Y", b"RY", b"BY"} <= names and b"R" not in names:
            raise PlateError(
                f"{described} stores luma and chroma (Y, RY, BY) instead of RGB; convert it to RGB first"
            )
        for channel in part.channels:
            share = max(channel.columns, channel.rows)
            if 1 < share <= _MOST_SUBSAMPLED:
                name = _printable(channel.name.decode("utf-8", "replace"))
                raise PlateError(
                    f"{described} stores channel '{name}' at 1/{share} of the size (subsampled); write all "
                    "channels at full size"
                )
        if part.is_cube_map:
            raise PlateError(
                f"{described} is an environment map of six faces, of which only one would be read; render it "
                "as one picture, e.g. latitude-longitude"
            )


def unreadable(path: Path, number: int, reason: str) -> PlateError:
    """The error for a file that OpenImageIO cannot read.

    Args:
        path, number: the file and its frame.
        reason: OpenImageIO's message.
    """
    described = f"frame {number} ({path})"
    lines = with_own_name(reason, path).strip().splitlines()
    # OpenImageIO collects what it has to say, and what comes first led to all the rest.
    reason = _printable(lines[0]) if lines else ""
    dimension = _DIMENSION.search(reason)
    if dimension is not None:
        return RefusedFileError(
            f"{described} is too large, or its header is damaged: it says {dimension['size']} pixels, at "
            f"most {dimension['most']} wide or high"
        )
    if _LIMIT.search(reason):
        return RefusedFileError(f"{described} is too large: {reason} (frame_bytes)")
    words = _in_words(reason)
    return PlateError(f"{described} is damaged or cut short; render or copy it again ({words})")


def _in_words(reason: str) -> str:
    found = _CODE.match(reason)
    if found is None:
        return reason or "no reason was given"
    code, text = found["code"], found["text"].strip()
    missing = _MISSING.match(text)
    if code == "MISSING_REQ_ATTR" and missing is not None:
        return f"its header has no '{missing['name']}'"
    if code == "READ_IO":
        return "it ends too early"
    if code in _IN_THE_HEADER:
        return f"its header is not valid: {text[:1].lower()}{text[1:]}" if text else "its header is not valid"
    return text or code.lower().replace("_", " ")


def _printable(text: str) -> str:
    """The text on one line, with a question mark for what cannot be shown."""
    return _UNPRINTABLE.sub("?", text)
