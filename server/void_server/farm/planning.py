"""Turns jobs into tasks, by arithmetic on frame ranges alone, so that a thousand shots are planned at once.

A *part* is a run of frames that one machine makes. Temporal engines are never cut per frame: a part has about
the wanted number of frames, and neighbouring parts have some frames in common, over which they are joined. A
*task* is what a dispatcher starts: short shots go together into one, so that they share one model load.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from itertools import pairwise
from typing import TypeVar

import msgspec
from msgspec import Struct

PLAN_VERSION = 1

DEFAULT_PART_FRAMES = 120
"""Frames of a task that removes from a part of a shot: it takes minutes to tens of minutes, and there are few
borders."""
DEFAULT_CHUNK_FRAMES = 48
"""Frames of a task that works on each frame by itself."""
LIGHT_MEMORY_MIB = 4096
"""The main memory that a task of any other step than ``remove`` asks for, in MiB."""
FEWEST_PART_OVERLAPS = 3
"""A part is at least this many overlaps long, because frames would otherwise belong to three parts."""


class FarmStep(str, Enum):
    """The steps of a job, in the order in which each depends on the one before it."""

    PREPARE = "prepare"
    REMOVE = "remove"
    MERGE = "merge"
    CHECK = "check"


STEP_ORDER = tuple(step.value for step in FarmStep)
"""The names of the steps, in their order."""


class PlannedJob(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One job of a plan."""

    file: str
    """The job file, relative to the plan's folder."""
    name: str
    engine: str
    """The engine itself, never ``auto``, because all machines must use the same one."""
    first_frame: int
    last_frame: int
    starts: list[int]
    """First frames of the parts, in ascending order."""
    overlap: int
    """How many frames a part makes beyond the start of the next one."""

    def part(self, start: int) -> range:
        """Return all frames of the part that begins at ``start``."""
        index = bisect_left(self.starts, start)
        if index + 1 == len(self.starts):
            return range(start, self.last_frame + 1)
        return range(start, self.starts[index + 1] + self.overlap)

    def parts_with(self, number: int) -> list[int]:
        """Return the starts of the one or two parts that make frame ``number``, in ascending order."""
        index = bisect_right(self.starts, number) - 1
        near = self.starts[max(0, index - 1) : index + 1]
        return [start for start in near if number in self.part(start)]


class Work(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A run of frames of one job, both ends included."""

    job: int
    """Index into the plan's jobs."""
    first_frame: int
    last_frame: int


class FarmPlan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a bundle's steps work through: for each step a list of tasks, each with its pieces of work."""

    plan_version: int = PLAN_VERSION
    jobs: list[PlannedJob]
    environment: dict[str, str] = {}
    """The variables of every task, with the paths of the submitter's machine."""
    prepare: list[list[Work]]
    """Tasks of whole shots."""
    remove: list[list[Work]]
    """Tasks of parts. A part is named by its first frame, ``first_frame``."""
    merge: list[list[Work]]
    check: list[list[Work]]

    def tasks(self, step: str) -> list[list[Work]]:
        """Return the tasks of a step by its name."""
        tasks: list[list[Work]] = getattr(self, FarmStep(step).value)
        return tasks

    def task_of(self, step: str, job: int, first_frame: int) -> int:
        """Return the number of the task that works on the run of a job's frames which begins at
        ``first_frame``."""
        return next(
            number
            for number, task in enumerate(self.tasks(step))
            if any(work.job == job and work.first_frame == first_frame for work in task)
        )


class ShotRange(Struct, frozen=True, kw_only=True):
    """What planning needs to know of a job."""

    file: str
    name: str
    engine: str
    first_frame: int
    last_frame: int


def plan(
    shots: Sequence[ShotRange],
    overlap_of: Callable[[str], int | None],
    *,
    part_frames: int = DEFAULT_PART_FRAMES,
    chunk_frames: int = DEFAULT_CHUNK_FRAMES,
) -> FarmPlan:
    """Plan the tasks of ``shots``, in time linear in their number and in the number of tasks.

    Args:
        overlap_of: gives, for an engine's name, how many frames neighbouring parts have in common; None for
            an engine that makes a shot in one piece.
        part_frames: wanted frames of a removal task. The parts of one shot get equal lengths near it.
        chunk_frames: most frames of a merging or checking task.
    """
    jobs = []
    for shot in shots:
        overlap = overlap_of(shot.engine)
        starts = _starts(shot.first_frame, shot.last_frame, overlap, part_frames)
        jobs.append(
            PlannedJob(
                file=shot.file,
                name=shot.name,
                engine=shot.engine,
                first_frame=shot.first_frame,
                last_frame=shot.last_frame,
                starts=starts,
                overlap=overlap or 0,
            )
        )
    whole = [
        Work(job=index, first_frame=job.first_frame, last_frame=job.last_frame)
        for index, job in enumerate(jobs)
    ]
    parts = [
        Work(job=index, first_frame=start, last_frame=job.part(start)[-1])
        for index, job in enumerate(jobs)
        for start in job.starts
    ]
    chunks = [chunk for work in whole for chunk in _chunks(work, chunk_frames)]
    return FarmPlan(
        jobs=jobs,
        prepare=packed(whole, max(chunk_frames, part_frames)),
        remove=packed(parts, part_frames),
        merge=packed(chunks, chunk_frames),
        check=packed(chunks, chunk_frames),
    )


def _starts(first: int, last: int, overlap: int | None, part_frames: int) -> list[int]:
    count = last - first + 1
    if overlap is None:
        return [first]
    shortest = max(1, FEWEST_PART_OVERLAPS * overlap)
    parts = max(1, min(math.ceil(count / part_frames), count // shortest))
    # Parts are equally long: a task for three left-over frames would spend most of its time starting.
    return [first + count * index // parts for index in range(parts)]


def _chunks(work: Work, most: int) -> list[Work]:
    count = work.last_frame - work.first_frame + 1
    pieces = max(1, math.ceil(count / most))
    edges = [work.first_frame + count * index // pieces for index in range(pieces + 1)]
    return [Work(job=work.job, first_frame=start, last_frame=end - 1) for start, end in pairwise(edges)]


_Item = TypeVar("_Item", bound=Work)


def packed(works: Iterable[_Item], most_frames: int) -> list[list[_Item]]:
    """Put neighbours together while they have at most ``most_frames`` frames in all. The order is kept."""
    tasks: list[list[_Item]] = []
    room = 0
    for work in works:
        count = work.last_frame - work.first_frame + 1
        if tasks and count <= room:
            tasks[-1].append(work)
            room -= count
        else:
            tasks.append([work])
            room = most_frames - count
    return tasks


def encode_plan(value: FarmPlan) -> bytes:
    """Encode the plan as JSON for people and programs."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
