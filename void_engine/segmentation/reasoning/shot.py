"""What an object affected in a shot, by reasoning: a language model tells it, segmentation finds it.

The models are loaded one after the other: the one that reasons, the one that finds words, the one that
follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.effects.proposal import Kind
from void_engine.engines.interface import Monitor, ShotSource
from void_engine.geometry import Box
from void_engine.segmentation.errors import ModelMissingError
from void_engine.segmentation.finder import Found
from void_engine.segmentation.instances import together
from void_engine.segmentation.model_folders import FINDER, REASONER, TRACKER, model_folder
from void_engine.segmentation.placement import only_model
from void_engine.segmentation.reasoning.answer import ARTEFACTS, KINDS, AffectedThing, Answer
from void_engine.segmentation.reasoning.asking import SeeingModel, ask
from void_engine.segmentation.reasoning.grid import Grid
from void_engine.segmentation.reasoning.places import (
    cells_at,
    cells_bounds,
    cells_mask,
    near_object,
    place_bounds,
    would_be,
)
from void_engine.segmentation.reasoning.question import question
from void_engine.segmentation.reasoning.qwen import QwenVision
from void_engine.segmentation.reasoning.stills import stills
from void_engine.segmentation.shot import ShotPictures, find_by_words, follow_named
from void_engine.segmentation.subjects import Bounds, Subject
from void_engine.segmentation.tracker import PackedLogits, VideoTracker, soft_matte

Follow = Callable[[ShotPictures, Sequence[Subject], Monitor], list[list[PackedLogits | None]]]
"""Follows subjects through a shot; see :meth:`void_engine.segmentation.tracker.VideoTracker.follow`."""
_SMALL_ROWS = 96


@dataclass(frozen=True, slots=True)
class ReasonedThing:
    """One thing that a language model tells of."""

    words: str
    """What it is and what becomes of it, for people: "cup: falls"."""
    kind: Kind
    """What it is as a proposal; :attr:`Kind.NONE` for a belonging."""
    is_belonging: bool
    will_move: bool
    since: int | None
    """The frame's number from which on it is affected; None from the first on."""
    told: AffectedThing | None
    """What the model said of it; None for a belonging."""


class ReasonedShot:
    """What is told of a shot, and the mattes of it frame by frame."""

    def __init__(
        self,
        things: Sequence[ReasonedThing],
        logits: Sequence[Sequence[PackedLogits | None]],
        places: Sequence[Box | None],
        grid: Grid,
        numbers: range,
        answer: Answer,
    ) -> None:
        self.things = tuple(things)
        self.answer = answer
        self._logits = logits
        self._places = places
        self._grid = grid
        self._numbers = numbers

    def mattes(self, index: int) -> list[Float32Array]:
        """For each thing its matte (H, W) in 0..1 on a frame, counted from 0."""
        return [self._matte(thing, position, index) for position, thing in enumerate(self.things)]

    def _matte(self, thing: ReasonedThing, position: int, index: int) -> Float32Array:
        grid, number = self._grid, self._numbers[index]
        size = (grid.height, grid.width)
        logits = self._logits[position][index] if self._logits else None
        found = np.zeros(size, np.float32) if logits is None else soft_matte(logits.logits(), size)
        told = thing.told
        if told is None:
            return found
        if number < told.since:
            return np.zeros(size, np.float32)
        if told.kind in ARTEFACTS:
            allowed = cells_mask(cells_at(told, number), grid)
            inside = np.where(allowed, found, np.float32(0)).astype(np.float32)
            # Where nothing is followed, the cells themselves are all that is known.
            found = inside if inside.max(initial=0) >= 0.5 else allowed.astype(np.float32)
            return near_object(found, self._places[index])
        return np.maximum(found, would_be(told, number, grid).astype(np.float32))


def reasoned_shot(
    shot: ShotSource,
    monitor: Monitor,
    *,
    instruction: str = "",
    seed: int = 0,
    model: SeeingModel | None = None,
    follow: Follow | None = None,
) -> ReasonedShot:
    """Let a language model tell what the object of a shot affected, and find it.

    Args:
        shot: with the mattes of the object.
        monitor: is told how far it is, and may stop it.
        instruction: what the artist says about the object.
        seed: of what is left to chance: an answer that is asked for again.
        model: the language model; None loads the one of this machine.
        follow: what follows things; None takes the models of this machine, and only cells without them.

    Raises:
        ModelMissingError: when there is no language model.
        AnswerError: when it gives no answer of the right form.
        PlateError, MatteError: when a frame cannot be read.
        RemovalCancelled: when the monitor asked for a stop.
    """
    if model is None:
        model_folder(REASONER)  # before anything is read
    numbers = shot.frame_numbers
    grid = Grid.over(shot.height, shot.width)
    removed, places = _object(shot, monitor)
    pictures = ShotPictures(shot)
    if not any(place is not None for place in places):
        monitor.log("no frame has a matte of the object, so nobody is asked what it affected")
        return ReasonedShot([], [], places, grid, numbers, Answer((), (), "", 0.0))
    shown = stills(pictures, removed, grid)

    def asked(of: SeeingModel) -> Answer:
        seen = shown if of.watches else replace(shown, movie=None)
        frames = [numbers[index] for index in shown.frames]
        text = question(grid, frames, numbers, instruction, has_movie=seen.movie is not None)
        return ask(of, seen, text, grid, numbers, seed, monitor)

    if model is None:
        with only_model(REASONER, model_folder(REASONER), QwenVision.load, monitor) as loaded:
            answer = asked(loaded)
    else:
        answer = asked(model)
    things = [*(_belonging(name) for name in answer.belongings), *(_affected(one) for one in answer.affected)]
    for thing in things:
        monitor.log(f"told: {thing.words}")
    subjects = [subject_of(thing, index, grid, numbers) for index, thing in enumerate(things)]
    logits = (follow or _follow_here)(pictures, subjects, monitor) if things else []
    return ReasonedShot(things, logits, places, grid, numbers, answer)


def subject_of(thing: ReasonedThing, index: int, grid: Grid, numbers: range) -> Subject:
    """What segmentation is asked for a thing: by words, or for an artefact by a box on each frame told."""
    told, name = thing.told, f"thing{index + 1}"
    if told is None:
        return Subject(name, words=thing.words)
    if told.kind in ARTEFACTS:
        cells = {frame: cells for frame, cells in sorted(told.cells.items()) if frame >= told.since}
        if not cells and told.cells:
            cells = {told.since: cells_at(told, told.since)}
        bounds = tuple(cells_bounds(frame - numbers[0], there, grid) for frame, there in cells.items())
        return Subject(name, bounds=bounds)
    bounds = ()
    if told.original is not None and told.size is not None:
        bounds = (place_bounds(max(0, told.since - numbers[0]), told.original, told.size, grid),)
    return Subject(name, bounds=bounds, words=told.name)


def _follow_here(
    pictures: ShotPictures, subjects: Sequence[Subject], monitor: Monitor
) -> list[list[PackedLogits | None]]:
    """Follow subjects with what this machine has."""
    try:
        tracker_folder = model_folder(TRACKER)
    except ModelMissingError as error:
        monitor.log(f"things are not followed, only cells are taken: {error}")
        return []
    named: dict[int, list[Found]] = {}
    try:
        model_folder(FINDER)
        named = find_by_words(pictures, subjects, monitor)
        # Words are surer than a cell, so a box is only taken where nothing is called so.
        subjects = [_without_box(each) if index in named else each for index, each in enumerate(subjects)]
    except ModelMissingError as error:
        monitor.log(f"words are not looked for: {error}")
    with only_model(TRACKER, tracker_folder, VideoTracker.load, monitor) as tracker:
        return [together(each) for each in follow_named(tracker, pictures, subjects, named, monitor)]


def _without_box(subject: Subject) -> Subject:
    no_bounds: tuple[Bounds, ...] = ()
    return Subject(subject.name, subject.clicks, no_bounds, subject.words, subject.masks)


def _object(shot: ShotSource, monitor: Monitor) -> tuple[list[BoolArray], list[Box | None]]:
    """Small masks of the object, and the box around it, on each frame."""
    small: list[BoolArray] = []
    places: list[Box | None] = []
    rows = min(_SMALL_ROWS, shot.height)
    shape = (rows, max(1, round(shot.width * rows / shot.height)))
    numbers = shot.frame_numbers
    for index, number in enumerate(numbers):
        monitor.progress("look", index, len(numbers), number)
        mask = shot.frame(number).remove >= 0.5
        small.append(np.asarray(opencv.resize(mask.astype(np.float32), shape, opencv.AREA) > 0.25, bool))
        places.append(Box.around(mask) if mask.any() else None)
    monitor.progress("look", len(numbers), len(numbers))
    return small, places


def _belonging(name: str) -> ReasonedThing:
    return ReasonedThing(name, Kind.NONE, True, False, None, None)


_BECOMES = {"held": "falls", "moved": "stays where it was", "carried": "stays behind"}


def _affected(told: AffectedThing) -> ReasonedThing:
    becomes = _BECOMES.get(told.kind, "")
    if told.kind == "moved" and told.will_move:
        becomes = "moves on by itself"
    words = f"{told.name}: {becomes}" if becomes else told.name
    return ReasonedThing(words, KINDS[told.kind], False, told.will_move, told.since, told)
