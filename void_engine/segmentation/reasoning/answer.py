"""The answer of a language model: a strict schema, and nothing of it is ever run.

What a model says is the word of a stranger: it has read whatever is written in the picture. So its answer is
data of a fixed form and bounded size, or it is refused. Names from it are shown to people, and nothing else
is done with them but to look for them in the picture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from void_engine.effects.proposal import Kind
from void_engine.segmentation.errors import AnswerError
from void_engine.segmentation.reasoning.grid import Grid

MOST_BELONGINGS = 3
MOST_AFFECTED = 5
_MOST_BYTES = 64 * 1024
_MOST_SHOWN = 4
"""So many problems of an answer are told."""
KINDS = {
    "shadow": Kind.SHADOW,
    "reflection": Kind.REFLECTION,
    "trace": Kind.MOVED,
    "moved": Kind.MOVED,
    "held": Kind.MOVED,
    "carried": Kind.CARRIED,
}
"""The kinds of the answer, and those of a proposal. A trace is a wake, ripples, dust, footprints."""
ARTEFACTS = ("shadow", "reflection", "trace")
"""Kinds that have no place of their own; cells say where they are."""

_NAME = {"type": "string", "minLength": 1, "maxLength": 80}
_WHY = {"type": "string", "maxLength": 300}
_WHOLE = {"type": "integer", "minimum": -1_000_000, "maximum": 10_000_000}
_CELL = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0, "maximum": 200},
    "minItems": 2,
    "maxItems": 2,
}


def _object(**members: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


SCHEMA: dict[str, Any] = _object(
    belongings={
        "type": "array",
        "maxItems": MOST_BELONGINGS,
        "items": _object(name=_NAME, why=_WHY),
    },
    affected={
        "type": "array",
        "maxItems": MOST_AFFECTED,
        "items": _object(
            name=_NAME,
            kind={"enum": list(KINDS)},
            why=_WHY,
            will_move={"type": "boolean"},
            since=_WHOLE,
            cells={
                "type": "array",
                "maxItems": 16,
                "items": _object(frame=_WHOLE, cells={"type": "array", "items": _CELL, "maxItems": 400}),
            },
            size={"anyOf": [{"type": "null"}, _CELL]},
            original={"anyOf": [{"type": "null"}, _CELL]},
            path={
                "type": "array",
                "maxItems": 16,
                "items": _object(
                    frame=_WHOLE,
                    row={"type": "integer", "minimum": 0, "maximum": 200},
                    column={"type": "integer", "minimum": 0, "maximum": 200},
                ),
            },
        ),
    },
    scene={"type": "string", "maxLength": 600},
    confidence={"type": "number", "minimum": 0, "maximum": 1},
)
"""The form of an answer, as JSON Schema."""
_validator = Draft202012Validator(SCHEMA)
_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?```\s*", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class AffectedThing:
    """One thing that the object affected, as the model tells it. Frames are the shot's own numbers."""

    name: str
    kind: str
    """A key of :data:`KINDS`."""
    why: str
    will_move: bool
    since: int
    cells: dict[int, tuple[tuple[int, int], ...]]
    """The cells (row, column) that it touches, by frame."""
    size: tuple[int, int] | None
    """Rows and columns."""
    original: tuple[int, int] | None
    """The cell where it was, or would have stayed."""
    path: tuple[tuple[int, int, int], ...]
    """Frame, row and column of its middle, in the order of frames: its way once the object is gone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A valid answer."""

    belongings: tuple[str, ...]
    affected: tuple[AffectedThing, ...]
    scene: str
    confidence: float


def read_answer(text: str, grid: Grid, frames: range) -> Answer:
    """Read an answer.

    Args:
        text: JSON, or one block of it between fences.
        grid: in which its cells have to lie.
        frames: of the shot, in which its frames have to lie.

    Raises:
        AnswerError: when it is anything else; the message says what is wrong, for the model to mend.
    """
    if len(text.encode(errors="replace")) > _MOST_BYTES:
        raise AnswerError(f"the answer has more than {_MOST_BYTES} bytes")
    fenced = _FENCED.fullmatch(text)
    try:
        found = json.loads(
            fenced[1] if fenced else text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_number,
        )
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"the answer is not JSON: {error}") from error
    problems = [
        f"{error.json_path}: {error.message[:200]}"
        for error in sorted(_validator.iter_errors(found), key=lambda error: error.json_path)
    ]
    problems = problems or list(_place_problems(found, grid, frames))
    if problems:
        more = f"; and {len(problems) - _MOST_SHOWN} more" if len(problems) > _MOST_SHOWN else ""
        raise AnswerError("; ".join(problems[:_MOST_SHOWN]) + more)
    return Answer(
        belongings=tuple(_shown(one["name"]) for one in found["belongings"]),
        affected=tuple(_thing(one) for one in found["affected"]),
        scene=_shown(found["scene"]),
        confidence=float(found["confidence"]),
    )


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member of an object is there twice")
    return found


def _number(text: str) -> float | int:
    """A number with a point or an exponent: JSON Schema takes ``12.0`` for an integer, so it becomes one."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _place_problems(found: dict[str, Any], grid: Grid, frames: range) -> Iterator[str]:
    for index, one in enumerate(found["affected"]):
        here = f"$.affected[{index}]"
        named = [("since", one["since"])]
        named += [(f"cells[{n}].frame", each["frame"]) for n, each in enumerate(one["cells"])]
        named += [(f"path[{n}].frame", each["frame"]) for n, each in enumerate(one["path"])]
        for member, frame in named:
            if frame not in frames:
                yield f"{here}.{member}: frame {frame} is not within {frames[0]} to {frames[-1]}"
        cells = [(f"cells[{n}]", cell) for n, each in enumerate(one["cells"]) for cell in each["cells"]]
        cells += [(f"path[{n}]", [each["row"], each["column"]]) for n, each in enumerate(one["path"])]
        cells += [("original", one["original"])] if one["original"] else []
        for member, (row, column) in cells:
            if not grid.has(row, column):
                yield (
                    f"{here}.{member}: there is no cell [{row}, {column}]; rows are 0 to {grid.rows - 1}, "
                    f"columns 0 to {grid.columns - 1}"
                )
        if one["size"] and not (1 <= one["size"][0] <= grid.rows and 1 <= one["size"][1] <= grid.columns):
            yield f"{here}.size: it is no size within {grid.rows} rows and {grid.columns} columns"


def _thing(one: dict[str, Any]) -> AffectedThing:
    cells: dict[int, tuple[tuple[int, int], ...]] = {}
    for each in one["cells"]:
        there = dict.fromkeys((row, column) for row, column in each["cells"])
        if there:
            cells[each["frame"]] = tuple(dict.fromkeys((*cells.get(each["frame"], ()), *there)))
    path = {each["frame"]: (each["frame"], each["row"], each["column"]) for each in one["path"]}
    return AffectedThing(
        name=_shown(one["name"]),
        kind=one["kind"],
        why=_shown(one["why"]),
        will_move=one["will_move"],
        since=one["since"],
        cells=cells,
        size=None if one["size"] is None else (one["size"][0], one["size"][1]),
        original=None if one["original"] is None else (one["original"][0], one["original"][1]),
        path=tuple(path[frame] for frame in sorted(path)),
    )


def _shown(text: str) -> str:
    """A text of the model on one line, without what controls a terminal or the direction of writing."""
    return _CONTROL.sub(" ", text).strip()
