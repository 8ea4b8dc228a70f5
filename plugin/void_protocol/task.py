"""What a job asks for instead of a removal: mattes of what the object affected, or mattes by prompts.

A task has the job's shot, its mattes and shapes, and writes EXR files to the job's output like a removal, so
that everything about a job (queue, files, progress, results) is the same for it.
"""

from __future__ import annotations

from typing import Annotated, Literal, Union

from msgspec import Meta, Struct

from void_protocol.fields import PRINTED, JobFrame

MAX_OBJECTS = 16
"""The most objects that one job may ask mattes of."""
MAX_PROMPTS = 512
"""The most points, and the most boxes, of one object."""

ProposalSource = Literal["evidence", "reason", "both"]
"""Who proposes: evidence in the shot, a language model that looks at it, or both, joined."""

_PROPOSE, _MATTES = "propose-", "mattes"
_Coordinate = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Words = Annotated[str, Meta(max_length=1024, pattern=PRINTED)]


class Propose(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="do", tag="propose"):
    """Mattes of what the object affected: its shadow, its reflection, what it moves and carries."""

    by: ProposalSource = "evidence"
    instruction: _Words = ""
    """What the object is, in words ("the man with the red coat"); helps a language model."""


class PointPrompt(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A click into a frame, in the job's coordinates."""

    frame: JobFrame
    x: _Coordinate
    y: _Coordinate
    outside: bool = False
    """Whether the point is *not* part of the object."""


class BoxPrompt(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A box around an object on one frame, in the job's coordinates."""

    frame: JobFrame
    left: _Coordinate
    bottom: _Coordinate
    right: _Coordinate
    top: _Coordinate


class PromptedObject(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One object of which a matte is made. Its prompts may lie on several frames; each further one refines
    the matte, from that frame in both directions."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$(?!\n)")] = "object"
    """The name of its layer in the result."""
    points: Annotated[list[PointPrompt], Meta(max_length=MAX_PROMPTS)] = []
    boxes: Annotated[list[BoxPrompt], Meta(max_length=MAX_PROMPTS)] = []
    words: _Words = ""
    """What the object is called ("red ball"); all that is called so goes into its matte."""


class MakeMattes(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="do", tag="mattes"):
    """Mattes of objects that somebody has pointed at, boxed or named."""

    objects: Annotated[list[PromptedObject], Meta(min_length=1, max_length=MAX_OBJECTS)]


Task = Union[Propose, MakeMattes]  # noqa: UP007 - evaluated by msgspec on Python 3.10


def task_name(task: Task) -> str:
    """The name of a task where a job's engine is told: ``propose-evidence``, ``mattes``."""
    return f"{_PROPOSE}{task.by}" if isinstance(task, Propose) else _MATTES


def is_task_name(engine: str) -> bool:
    """Whether what a list of jobs shows as a job's engine is the name of a task."""
    return engine == _MATTES or engine.startswith(_PROPOSE)
