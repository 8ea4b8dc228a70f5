"""What a review shows: shots, their versions, and what is known of each.

These records are what the pages read as JSON, so their fields are the pages' too (``static/review.js``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from void_engine.errors import PlateError
from void_engine.made_from import PROXY_SCALE_KEY, metadata_of, proxy_scale_of
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.spread import evenly_spread
from void_protocol.job import RemovalJob
from void_protocol.task import Propose
from void_protocol.verdict import Verdict, read_verdict, verdict_path
from void_server.mattes.pictures import proposal_patterns

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_MOST_VERSIONS = 50
"""So many versions of one shot are shown, the newest ones."""
_ASKED = 3
"""So many frames of a version are asked at which scale they were made."""


class ShownVersion(Struct, kw_only=True):
    """One version of a shot's result, as the list of shots shows it."""

    key: str
    """The name of its folder in the page, such as ``v002``."""
    label: str
    engine: str
    """The engine that the job asks for, or that the verdict names."""
    result: str
    """The pattern of its frames."""
    frames: list[int]
    """The frames that are there."""
    status: str
    """``green``, ``amber`` or ``red`` by ``void check``; empty where nothing was checked."""
    summary: str = ""
    decision: str = ""
    """``approved`` or ``redo``; empty where nobody has decided."""
    scale: float = 1.0
    """The scale of the result: 1, or less for a proxy."""


class ShownShot(Struct, kw_only=True):
    """One shot, as the list of shots shows it."""

    key: str
    """The name of its folder in the page."""
    name: str
    first: int
    last: int
    width: int
    """The format in pixels."""
    height: int
    pixel_aspect: float
    picture_width: int
    """The size of the pictures, in pixels; they are in true proportions."""
    picture_height: int
    fps: float
    versions: list[ShownVersion]
    """The oldest first."""
    thumbnail: str
    """The picture that stands for the shot, relative to the page; empty where there is none."""


@dataclass(frozen=True)
class ReviewVersion:
    """One version of a result, with what is needed to read it."""

    key: str
    job: RemovalJob
    frames: tuple[int, ...]
    verdict: Verdict | None

    @property
    def pattern(self) -> str:
        return self.job.output.versioned_pattern

    def scale(self) -> float:
        """The smallest scale at which some of its frames were made, as these say themselves: a version may
        still have frames of a proxy. The job's, where they say nothing."""
        files = FramePattern.parse(self.pattern)
        scales = []
        for number in evenly_spread(self.frames, _ASKED):
            try:
                told = metadata_of(files.path(number), number) or {}
            except PlateError:  # Its picture cannot be made either, which is told there.
                continue
            if PROXY_SCALE_KEY in told:
                scales.append(proxy_scale_of(told))
        return min(scales, default=self.job.settings.proxy_scale if self.job.is_removal else 1.0)


@dataclass(frozen=True)
class ReviewShot:
    """A shot with all its versions, the oldest first."""

    key: str
    job: RemovalJob
    """The job that was named last for this shot."""
    versions: tuple[ReviewVersion, ...]

    def version(self, key: str) -> ReviewVersion | None:
        """The version with this key; None where there is none."""
        return next((version for version in self.versions if version.key == key), None)


def review_shots(jobs: Iterable[RemovalJob]) -> list[ReviewShot]:
    """Join the jobs of one plate and name into a shot, and add the versions that lie beside their results.

    Shots come in the order of the jobs. Two shots of one name with different plates stay two.
    """
    grouped: dict[tuple[str, str, str], list[RemovalJob]] = {}
    for job in jobs:
        grouped.setdefault((job.shot.name, job.shot.plate, job.shot.view), []).append(job)
    keys: set[str] = set()
    return [_shot(named, _free_key(name, keys)) for (name, _, _), named in grouped.items()]


def _shot(named: list[RemovalJob], key: str) -> ReviewShot:
    found: dict[str, tuple[RemovalJob, list[int]]] = {}
    for job in named:
        for other in (*_other_versions(job), job):
            pattern = other.output.versioned_pattern
            frames = frames_there(pattern, other.shot.frame_numbers)
            if frames or other is job:
                found[pattern] = other, frames
        for pattern in proposal_patterns(job):
            if pattern not in found:
                found[pattern] = _proposal(job, pattern), frames_there(pattern, job.shot.frame_numbers)
    # What was proposed comes before the results that were made with it.
    ordered = sorted(
        found.values(),
        key=lambda each: (each[0].is_removal, each[0].output.version, each[0].output.versioned_pattern),
    )
    keys: set[str] = set()
    versions = [
        ReviewVersion(
            _free_key(f"v{job.output.version:03d}", keys),
            job,
            tuple(frames),
            read_verdict(verdict_path(job.output.versioned_pattern)),
        )
        for job, frames in ordered[-_MOST_VERSIONS:]
    ]
    return ReviewShot(key, named[-1], tuple(versions))


def _proposal(job: RemovalJob, pattern: str) -> RemovalJob:
    """The proposal that some of a job's mattes are of, as a job of its own."""
    output = msgspec.structs.replace(job.output, pattern=pattern, version=1)
    return msgspec.structs.replace(job, task=Propose(), output=output)


def _other_versions(job: RemovalJob) -> list[RemovalJob]:
    """The versions of the job's result of which something lies on the disk, as jobs of their own."""
    output = job.output
    if "{version}" not in output.pattern:
        return []
    path = Path(output.pattern)
    at = next(place for place, part in enumerate(path.parts) if "{version}" in part)
    parent, part = Path(*path.parts[:at]), path.parts[at]
    before, _, after = part.partition("{version}")
    is_file = at == len(path.parts) - 1
    numbers = re.compile(rf"{re.escape(before)}v(\d{{3,4}}){'.*' if is_file else re.escape(after) + '$'}")
    try:
        names = [entry.name for entry in parent.iterdir()]
    except OSError:
        return []
    versions = {int(match[1]) for name in names if (match := numbers.match(name)) and int(match[1])}
    return [
        msgspec.structs.replace(job, output=msgspec.structs.replace(output, version=version))
        for version in sorted(versions - {output.version})
    ]


def frames_there(pattern: str, numbers: Iterable[int]) -> list[int]:
    """The frames of ``pattern`` that are on the disk; none where its folder cannot be listed."""
    frames = FramePattern.parse(pattern)
    if frames.is_still:
        return [number for number in numbers if frames.path(number).exists()]
    try:
        there = set(frames.frames_on_disk())
    except PlateError:
        return []
    return [number for number in numbers if number in there]


def _free_key(name: str, taken: set[str]) -> str:
    """A name for a folder, unlike those given before also where letters' case does not count."""
    base = _UNSAFE.sub("_", name).strip("_")[:80] or "shot"
    key, count = base, 1
    while key.lower() in taken:
        count += 1
        key = f"{base}-{count}"
    taken.add(key.lower())
    return key
