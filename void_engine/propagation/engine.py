"""The propagation engine behind the engines' interface: it looks once at the whole shot, then cleans frames.

The work on one frame is in :mod:`void_engine.propagation.compose`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from void_engine import opencv
from void_engine.arrays import Float32Array
from void_engine.engines.interface import CleanFrame, EngineRequest, Monitor, PartOfShot, ShotSource
from void_engine.engines.options import read_options
from void_engine.propagation.ahead import frames_at_a_time, working_ahead
from void_engine.propagation.compose import FrameCleaner
from void_engine.propagation.fill.key_frames import MOST_KEYS, SLIVER_PX, SynthesisedPixels
from void_engine.propagation.fill.key_plan import KeyPlan
from void_engine.propagation.finish.outline import hidden_rim_px, measure_rim
from void_engine.propagation.motion.passing import withhold_passing
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.motion.track import ShotTrack, track_shot
from void_engine.propagation.options import PropagationOptions
from void_engine.propagation.reveal.source_choice import MOST_SOURCES
from void_engine.propagation.shared_state import SharedState
from void_engine.propagation.working_set import WorkingSet

_FINISHING = 0.5
"""The share of the threads that fill and finish frames; revealing them mostly takes several times as long."""
_WORTH_TELLING = 0.01
"""The share of never seen pixels from which it is told."""
_PREVIEW_WIDTH = 480
_PREVIEW_SOURCES = 4
"""The most source frames for each frame of a job at proxy scale: nearly as good, and much faster."""


class PropagationEngine:
    """Takes hidden pixels from the frames that show them, and synthesises what no frame shows.

    It needs neither model weights nor a GPU, and it is deterministic. Its memory is bounded by the working
    set and grows with the shot only by some hundred bytes for each frame.
    """

    @property
    def name(self) -> str:
        return "propagation"

    @property
    def wants_full_frame(self) -> bool:
        """Always True, because camera motion is measured best on the whole picture."""
        return True

    @property
    def region_aspect(self) -> tuple[int, int] | None:
        """Always None: the engine works on a region of any aspect."""
        return None

    @property
    def record(self) -> Mapping[str, str | int | float]:
        """Always empty: there are no weights to record, and the options are in the job."""
        return {}

    def remove(self, shot: ShotSource, request: EngineRequest, monitor: Monitor) -> Iterator[CleanFrame]:
        """Yield one clean frame for each frame of ``shot`` that the request wants, in order.

        Of the other frames only the key frames are made that wanted frames depend on, so the answer for a
        frame does not depend on which others are wanted.

        ``CleanFrame.picture`` equals the plate, bit for bit, wherever ``replaced`` is 0. The options are
        those of :class:`~void_engine.propagation.options.PropagationOptions`. The prompts are not used.

        Raises:
            SettingError: for another option, or a value that an option does not take.
            PlateError: when a frame cannot be read or differs in size.
            RemovalCancelled: soon after the monitor asks for a stop.
        """
        options = read_options(PropagationOptions, self.name, request.options)
        numbers = shot.frame_numbers
        if request.part is not None:
            yield from self._remove_part(shot, request, request.part, options, monitor)
            return
        motion = _look_once(shot, options, monitor)
        plan = _plan(motion, shot, request, options)
        _tell_never_seen(plan, monitor)
        cleaner = FrameCleaner(motion, plan, request.seed, options)
        at_a_time = frames_at_a_time(shot.width * shot.height)
        yield from _clean_in_order(cleaner, plan, motion.track, numbers, request, monitor, at_a_time)

    def rim_px(self, shot: ShotSource, request: EngineRequest, monitor: Monitor) -> float | None:
        """The width of the rim outside the matte that still holds the object, measured on a few frames.

        Raises:
            PlateError: when a frame cannot be read or differs in size.
            RemovalCancelled: soon after the monitor asks for a stop.
        """
        rim = measure_rim(shot, monitor)
        return None if rim is None else float(rim.width_px)

    def prepare_parts(
        self, shot: ShotSource, starts: Sequence[int], folder: Path, request: EngineRequest, monitor: Monitor
    ) -> None:
        """Track the whole shot once, and synthesise the key frames that the parts start with.

        Parts that synthesised by themselves would each make another texture. So the first frames of all parts
        are cleaned in order, each continuing the texture of the one before it, and every part begins with the
        key frames that its first frame has then.
        """
        state = SharedState(folder)
        if state.is_prepared:
            return
        options = read_options(PropagationOptions, self.name, request.options)
        motion = _look_once(shot, options, monitor)
        plan = _plan(motion, shot, request, options)
        _tell_never_seen(plan, monitor)
        keys: list[SynthesisedPixels] = []
        cleaner = FrameCleaner(motion, plan, request.seed, options, keys.append)
        ordered = sorted(starts)
        planned = plan.keys_up_to(ordered[-1] - 1)
        for step, start in enumerate(ordered):
            monitor.progress("key frames", step, len(starts), start)
            while planned and planned[0] < start:
                cleaner.clean(planned.pop(0))
            state.keep_start(start, keys[-MOST_KEYS:])
        state.save_track(motion.track, motion.working.rim_px)

    def _remove_part(
        self,
        shot: ShotSource,
        request: EngineRequest,
        part: PartOfShot,
        options: PropagationOptions,
        monitor: Monitor,
    ) -> Iterator[CleanFrame]:
        state = SharedState(part.folder)
        wanted = [number for number in shot.frame_numbers if request.wants(number)]
        if not wanted:
            return
        working = WorkingSet(shot, monitor, state.rim_px)
        motion = ShotMotion(working, state.track(), PairRegistration(working, monitor), monitor)
        plan = _plan(motion, shot, request, options)
        cleaner = FrameCleaner(
            motion,
            plan,
            request.seed,
            options,
            lambda pixels: state.keep_key(part.first_frame, pixels),
        )
        known_keys = state.keys(part.first_frame, wanted[0])
        plan.resume_at(part.first_frame, [p.number for p in known_keys if p.number < part.first_frame])
        for pixels in known_keys:
            cleaner.add_key(pixels)
        numbers = range(wanted[0], wanted[-1] + 1)
        at_a_time = frames_at_a_time(shot.width * shot.height)
        yield from _clean_in_order(cleaner, plan, motion.track, numbers, request, monitor, at_a_time)


def _look_once(shot: ShotSource, options: PropagationOptions, monitor: Monitor) -> ShotMotion:
    """Look at every frame in order: measure the motion of the shot, and what passes before the object."""
    working = WorkingSet(shot, monitor, hidden_rim_px(shot, monitor))
    registration = PairRegistration(working, monitor)
    track = track_shot(working, registration, shot.frame_numbers, monitor, options.motion)
    withhold_passing(track, working, shot.frame_numbers, monitor)
    return ShotMotion(working, track, registration, monitor)


def _plan(
    motion: ShotMotion, shot: ShotSource, request: EngineRequest, options: PropagationOptions
) -> KeyPlan:
    most = MOST_SOURCES if request.proxy_scale >= 1.0 else _PREVIEW_SOURCES
    sliver = SLIVER_PX * motion.working.scale
    return KeyPlan(motion.track, shot.frame_numbers, _anchors(shot), sliver, most, options.sources)


def _tell_never_seen(plan: KeyPlan, monitor: Monitor) -> None:
    """Say before the work what the shot itself cannot give."""
    share = plan.never_seen()
    if share >= _WORTH_TELLING:
        monitor.log(f"{share:.0%} of what goes is never seen in another frame and has to be invented")


def _clean_in_order(
    cleaner: FrameCleaner,
    plan: KeyPlan,
    track: ShotTrack,
    numbers: range,
    request: EngineRequest,
    monitor: Monitor,
    at_a_time: int,
) -> Iterator[CleanFrame]:
    """Yield the wanted frames among ``numbers``, and make the key frames that later wanted ones depend on."""
    wanted = [number for number in numbers if request.wants(number)]

    def needed() -> Iterator[int]:
        passed = 0
        for number in numbers:
            if request.wants(number):
                passed += 1
                yield number
            elif passed < len(wanted) and wanted[passed] in track.segment(number) and plan.is_key(number):
                yield number

    done = 0
    with working_ahead(at_a_time) as ahead:
        filled = map(cleaner.fill, ahead(cleaner.begin, needed()))
        for clean in ahead(cleaner.finish, filled, _FINISHING):
            monitor.check_cancelled()
            if not request.wants(clean.number):
                monitor.progress("key frames", done, len(wanted), clean.number)
                continue
            done += 1
            monitor.progress("propagate", done, len(wanted), clean.number)
            monitor.preview(clean.number, _small(clean.picture))
            yield clean


def _anchors(shot: ShotSource) -> frozenset[int]:
    return frozenset(number for number in shot.frame_numbers if shot.anchor(number) is not None)


def _small(picture: Float32Array) -> Float32Array:
    rows, columns = picture.shape[:2]
    if columns <= _PREVIEW_WIDTH:
        return picture
    shape = (max(1, round(rows * _PREVIEW_WIDTH / columns)), _PREVIEW_WIDTH)
    return opencv.resize(picture, shape, opencv.AREA)
