"""EXR files that are made of an artist's pictures once, and found again by whoever asks for the same.

They lie in a folder named after the pictures and a digest of what they were made from, so that pictures that
were rendered again make new files, and never a mixture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from void_engine.errors import MissingFrameError
from void_engine.plates.ingest.ingest import ingest
from void_engine.plates.ingest.pictures import Numbering
from void_engine.plates.ingest.request import Ingest
from void_engine.plates.sequence.pattern import FramePattern

_DIGEST_BYTES = 4


def derive(
    wanted: Ingest,
    folder: Path,
    remark: Callable[[str], None],
    on_frame: Callable[[int, int], None] | None = None,
) -> FramePattern:
    """Make EXR files of pictures, unless that was done before.

    Args:
        wanted: what becomes what; its target is not looked at, and the numbers are the files' own.
        folder: the folder in which the folder of the files is made.
        remark: is told how the files were read and where the new ones are.
        on_frame: as for :func:`~void_engine.plates.ingest.ingest.ingest`.

    Returns:
        The pattern of the EXR files.

    Raises:
        EngineError: when they cannot be made.
    """
    numbering = Numbering.of(wanted)
    stem = _stem(numbering.pattern)
    place = folder / f"{stem}-{_digest(wanted, numbering)}"
    name = f"{stem}.exr" if numbering.pattern.is_still else f"{stem}.%04d.exr"
    target = FramePattern.parse(place / name)
    files = [target.path(number) for number in numbering.numbers]
    if all(file.exists() for file in files):
        remark(f"{wanted.source} was made into {target} before")
        return target
    for file in files:
        file.unlink(missing_ok=True)  # An earlier attempt was broken off.
    made = ingest(replace(wanted, target=target), on_frame)
    for text in made.remarks:
        remark(text)
    remark(f"{wanted.source} was made into {target}")
    return target


def _stem(pattern: FramePattern) -> str:
    name = pattern.prefix if pattern.padding is not None else Path(pattern.prefix).stem
    return (
        "".join(sign if sign.isalnum() or sign in "_-" else "_" for sign in name).strip("_-")[:64] or "made"
    )


def _digest(wanted: Ingest, numbering: Numbering) -> str:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    choices = (wanted.purpose, wanted.colour, wanted.channel, wanted.scale, wanted.size, wanted.pixel_aspect)
    digest.update(repr((numbering.pattern.text, *choices)).encode("utf-8", "surrogateescape"))
    for number in numbering.numbers:
        path = numbering.pattern.path(number)
        try:
            found = path.stat()
        except FileNotFoundError as error:
            raise MissingFrameError(f"frame {number} is missing: there is no file {path}") from error
        digest.update(f"{number}:{found.st_size}:{found.st_mtime_ns};".encode())
    return digest.hexdigest()
