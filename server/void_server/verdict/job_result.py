"""Judges the frames that a job has written, in memory that does not grow with the shot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.errors import PlateError
from void_engine.geometry import Box
from void_engine.growth import GROWTH_KEY, decided
from void_engine.plates.exr.file import LOSSLESS_COMPRESSIONS, read_header
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.quality.checks import OutsideCheck, check_outside
from void_engine.quality.evidence import REACH
from void_engine.quality.frame_measures import with_surroundings
from void_engine.quality.light import sampled_places, shot_brightness
from void_engine.quality.stream import JudgedFrame, judged
from void_engine.quality.thresholds import THRESHOLDS
from void_engine.quality.verdict import FrameVerdict
from void_engine.removal import shot_source
from void_engine.removal_monitor import RemovalMonitor
from void_engine.removal_request import RemovalRequest
from void_engine.shot import PlateShot
from void_protocol.job import RemovalJob
from void_protocol.verdict import FrameEntry, Verdict, read_verdict, verdict_path, write_verdict
from void_server.translate import removal_request
from void_server.verdict.findings import findings_of

_ENGINE_KEY = "void/engine"
_READERS_CACHE_BYTES = 64 << 20
_TOLD = ("outside.pixels", "invalid.pixels", *sorted({one.measure for one in THRESHOLDS}))
"""The measures that the file tells: those that decide."""


def judge_job(job: RemovalJob, monitor: RemovalMonitor, frames: Sequence[int] | None = None) -> Verdict:
    """Judge a job's result.

    Args:
        job: the job, with the paths of this machine.
        monitor: is told how far it is, and may stop it.
        frames: the frames of the shot to judge; None for all. Those beside them are read too, because a frame
            is judged with its neighbours.

    Raises:
        PlateError, MatteError: when plate or mattes cannot be read. Frames of the result that cannot be read
            are listed as missing instead.
        RemovalCancelled: when the monitor asked for a stop.
    """
    # What the engine was set to does not matter here, and it need not be installed.
    settings = msgspec.structs.replace(job.settings, engine="identity", engine_options={})
    with ExitStack() as files:
        request = removal_request(
            msgspec.structs.replace(job, settings=settings), files, engine_name="identity"
        )
        return judge_result(request, job.shot.name, monitor, frames)


def judge_result(
    request: RemovalRequest,
    shot_name: str,
    monitor: RemovalMonitor,
    frames: Sequence[int] | None = None,
    shot: PlateShot | None = None,
) -> Verdict:
    """Judge the result of a removal; see :func:`judge_job`.

    Args:
        shot: the shot as the removal saw it, where it is known already.
    """
    numbers = request.plates.frame_numbers
    wanted = frozenset(numbers if frames is None else frames).intersection(numbers)
    there = {number: _engine_and_growth(request, number) for number in numbers if _is_near(number, wanted)}
    entries: list[FrameEntry] = []
    found = [number for number, told in there.items() if told is not None]
    if found:
        growth = next(told for told in there.values() if told is not None)[1]
        shot = shot or _shot_of(request, monitor)
        shot = shot if growth is None else decided(shot, growth)
        with PlateSequence(
            request.output.pattern, numbers[0], numbers[-1], cache_bytes=_READERS_CACHE_BYTES
        ) as results:
            reader = _Reader(request, shot, results)
            brightness = shot_brightness(_samples(shot, [one for one in found if one in wanted] or found))
            for run in _runs(found):
                verdicts = judged(reader.frames(run, monitor), brightness)
                entries += [_entry(verdict) for verdict in verdicts if verdict.frame in wanted]
    judged_numbers = {one.frame for one in entries}
    return Verdict(
        release=version("void-nuke"),
        shot=shot_name,
        job_id=request.job_id,
        engine=next((told[0] for told in there.values() if told is not None), ""),
        result=request.output.pattern.text,
        first_frame=numbers[0],
        last_frame=numbers[-1],
        frames=entries,
        missing=sorted(wanted - judged_numbers),
        findings=findings_of(entries),
    )


def save(verdict: Verdict) -> Path:
    """Write a verdict beside the result, and return the path.

    Raises:
        OSError: when that fails.
    """
    path = verdict_path(verdict.result)
    write_verdict(verdict, path)
    return path


def kept(job: RemovalJob) -> Verdict | None:
    """The verdict that lies beside a job's result; None where there is none of this release on these frames,
    or a frame is newer."""
    pattern = FramePattern.parse(job.output.versioned_pattern)
    path = verdict_path(pattern.text)
    found = read_verdict(path)
    if found is None or (found.job_id, found.release) != (job.job_id, version("void-nuke")):
        return None
    numbers = job.shot.frame_numbers
    if [one.frame for one in found.frames] != list(numbers):
        return None
    try:
        judged_at = path.stat().st_mtime_ns
        is_newer = any(pattern.path(number).stat().st_mtime_ns > judged_at for number in numbers)
    except OSError:
        return None
    return None if is_newer else found


class _Reader:
    """Reads what is judged, frame after frame."""

    def __init__(self, request: RemovalRequest, shot: PlateShot, results: PlateSequence) -> None:
        self._request, self._shot, self._results = request, shot, results
        self._exact = request.output.compression in LOSSLESS_COMPRESSIONS

    def frames(self, numbers: Sequence[int], monitor: RemovalMonitor) -> Iterator[JudgedFrame]:
        """Yield the frames, up to the first of which the result cannot be read."""
        for place, number in enumerate(numbers):
            monitor.check_cancelled()
            monitor.progress("check", place, len(numbers), number)
            try:
                result = self._results.frame(number)
            except PlateError as error:
                monitor.log(f"the verdict ends before frame {number}: {error}")
                return
            yield self._judged(number, result)
        monitor.progress("check", len(numbers), len(numbers))

    def _judged(self, number: int, result: Frame) -> JudgedFrame:
        at, box, picture = self._shot.frame(number), self._shot.box, self._request.picture
        inside = box.intersection(self._shot.frame_box)
        rows = inside.slices(box)
        made = result.read_channels(picture.rgb, inside)
        plate, replaced = at.plate[rows], at.replaced[rows]
        affected = (at.affected[rows] > 0) & (at.remove[rows] < 0.5) & (replaced > 0)
        confidence = None
        name = f"{picture.added('confidence')}.A"
        if name in result.channel_names:
            confidence = result.plane(name, inside)
        return JudgedFrame(
            number,
            plate,
            replaced,
            made,
            affected if affected.any() else None,
            confidence,
            self._outside(number, result, plate, made, replaced, inside),
        )

    def _outside(
        self,
        number: int,
        result: Frame,
        plate: Float32Array,
        made: Float32Array,
        replaced: Float32Array,
        inside: Box,
    ) -> OutsideCheck:
        """What was touched outside the matte, over the whole frame. A lossy file cannot keep it."""
        if not self._exact:
            return OutsideCheck()
        near = check_outside(plate, made, replaced > 0)
        frame = self._request.plates.frame(number)
        window = frame.data_window.intersection(result.data_window)
        far = 0
        first = None
        mask = np.zeros(window.shape, np.bool_)
        common = inside.intersection(window)
        mask[common.slices(window)] = True
        for name in dict.fromkeys(self._request.picture.rgb):
            before = frame.native(name)[window.slices(frame.data_window)]
            after = result.native(name)[window.slices(result.data_window)]
            differs = (before != after) & ~((before != before) & (after != after)) & ~mask
            if differs.any():
                far = max(far, int(differs.sum()))
                row, column = divmod(int(np.argmax(differs)), differs.shape[1])
                first = first or (window.x0 + column, window.y0 + row)
        if not near.count and not far:
            return near
        found = first if near.first is None else (inside.x0 + near.first[0], inside.y0 + near.first[1])
        return OutsideCheck(near.count + far, found)


def _is_near(number: int, wanted: frozenset[int]) -> bool:
    return any(one in wanted for one in range(number - REACH, number + REACH + 1))


def _engine_and_growth(request: RemovalRequest, number: int) -> tuple[str, float | None] | None:
    """What a frame of the result says about how it was made; None where there is none."""
    try:
        metadata = read_header(request.output.pattern.path(number), number).metadata
    except PlateError:
        return None
    growth = metadata.get(GROWTH_KEY)
    return str(metadata.get(_ENGINE_KEY, "")), float(growth) if isinstance(growth, (int, float)) else None


def _shot_of(request: RemovalRequest, monitor: RemovalMonitor) -> PlateShot:
    """The shot over the part of the picture that the mattes need, with as much around it."""
    shot_format = request.plates.check()
    request.mattes.check(shot_format.display_size)
    frame_box = shot_format.data_window
    found = Box(0, 0, 0, 0)
    numbers = request.plates.frame_numbers
    for step, number in enumerate(numbers):
        monitor.check_cancelled()
        monitor.progress("mattes", step, len(numbers), number)
        found = found.union(request.mattes.bounds(number, frame_box))
    monitor.progress("mattes", len(numbers), len(numbers))
    if found.is_empty:
        found = Box(frame_box.x0, frame_box.y0, frame_box.x0 + 1, frame_box.y0 + 1)
    reach = int(np.ceil(request.look.reach_px * request.mattes.scale)) + 1
    box = with_surroundings(found).grown(reach)
    return shot_source(request, box.intersection(frame_box), frame_box, shot_format.pixel_aspect)


def _samples(shot: PlateShot, numbers: Sequence[int]) -> Iterator[tuple[Float32Array, BoolArray]]:
    for place in sampled_places(len(numbers)):
        at = shot.frame(numbers[place])
        yield at.plate, at.replaced > 0


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """The numbers in runs without gaps."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _entry(verdict: FrameVerdict) -> FrameEntry:
    return FrameEntry(
        frame=verdict.frame,
        status=verdict.status,
        flags=sorted(verdict.flags),
        severity={flag: round(value, 3) for flag, value in sorted(verdict.severity.items())},
        measures={name: round(verdict.measures[name], 5) for name in _TOLD if name in verdict.measures},
        invented=None if verdict.invented is None else round(verdict.invented, 4),
        touched=verdict.outside.first,
        touched_pixels=verdict.outside.count,
    )
