"""Notes and decisions of a review, in a file beside the result.

For ``out/shot_v002.%04d.exr`` it is ``out/shot_v002.review.json``. Each change raises the file's revision,
and a change that was made on an older revision is refused, so that two reviewers do not overwrite each other.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from void_protocol.durable import write_whole
from void_protocol.sequence import path_beside
from void_server.review.errors import ReviewError

REVIEW_VERSION = 1
_Text = Annotated[str, Meta(max_length=4000)]
_Share = Annotated[float, Meta(ge=0.0, le=1.0)]
_LARGEST_BYTES = 4 << 20
COLUMNS = (
    "shot",
    "version",
    "decision",
    "reason",
    "frame",
    "left",
    "top",
    "right",
    "bottom",
    "text",
    "author",
    "time",
)
"""The columns of the notes as CSV. A box is in fractions of the picture, from its top left."""


class Note(Struct, kw_only=True, forbid_unknown_fields=True):
    """What somebody says of a frame."""

    frame: int
    text: Annotated[str, Meta(min_length=1, max_length=4000)]
    box: tuple[_Share, _Share, _Share, _Share] | None = None
    """Left, top, right and bottom as fractions of the picture; None for the whole frame."""
    author: Annotated[str, Meta(max_length=200)] = ""
    time: Annotated[str, Meta(max_length=40)] = ""
    """When it was written, in ISO 8601."""


class Review(Struct, kw_only=True, forbid_unknown_fields=True):
    """What was said of one version of a result."""

    review_version: Literal[1] = 1
    revision: Annotated[int, Meta(ge=0)] = 0
    decision: Literal["", "approved", "redo"] = ""
    reason: _Text = ""
    notes: Annotated[list[Note], Meta(max_length=2000)] = []


def review_path(result: str) -> Path:
    """The file of the notes on a result."""
    return path_beside(result, ".review.json")


def read_review(result: str) -> Review:
    """Return what was said of a result; nothing where there is no file yet.

    Raises:
        ReviewError: when the file cannot be read or is not one of ours; it is never written over then.
    """
    path = review_path(result)
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ReviewError(f"{path} is too large for a file of notes; move it away")
        return msgspec.json.decode(path.read_bytes(), type=Review)
    except FileNotFoundError:
        return Review()
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        raise ReviewError(f"{path} cannot be read as notes of a review ({error}); move it away") from error


def write_review(result: str, review: Review) -> Review:
    """Keep what was said, and return it with its new revision. The file is there whole or not at all.

    Raises:
        ReviewError: when ``review`` was made on an older revision than the file's, or when it cannot be
            written.
    """
    known = read_review(result)
    if known.revision != review.revision:
        raise ReviewError(
            "somebody else has changed these notes since; the page shows theirs now: add yours again"
        )
    kept = msgspec.structs.replace(review, revision=known.revision + 1)
    path = review_path(result)
    try:
        write_whole(path, msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    except OSError as error:
        raise ReviewError(f"{path}: the notes cannot be written ({error.strerror or error})") from error
    return kept


def as_csv(reviews: Iterable[tuple[str, str, Review]]) -> str:
    """The notes on several versions as CSV: ``reviews`` has the shot, the version and what was said. A
    version without notes has one row where something was decided."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for shot, version, review in reviews:
        decided = [_cell(shot), version, review.decision, _cell(review.reason)]
        if review.decision and not review.notes:
            writer.writerow([*decided, *[""] * 8])
        for note in review.notes:
            box = [f"{edge:.4f}" for edge in note.box] if note.box else [""] * 4
            writer.writerow([*decided, note.frame, *box, _cell(note.text), _cell(note.author), note.time])
    return text.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
