"""Mattes of subjects in a shot, frame by frame, with the models of this machine one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from void_engine.arrays import Float32Array, Uint8Array
from void_engine.engines.interface import Monitor, ShotSource
from void_engine.segmentation.finder import Found, Sam3Finder
from void_engine.segmentation.instances import Track, followed
from void_engine.segmentation.model_folders import FINDER, TRACKER, check_models, model_folder
from void_engine.segmentation.pictures import ShotDisplay
from void_engine.segmentation.placement import only_model
from void_engine.segmentation.subjects import Subject, SubjectMattes
from void_engine.segmentation.tracker import PackedLogits, VideoTracker, soft_matte


class ShotPictures:
    """The frames of a shot as display bytes, counted from 0."""

    def __init__(self, shot: ShotSource) -> None:
        self._shot = shot
        self._display = ShotDisplay.of(shot)
        self.count = len(shot.frame_numbers)
        self.size = (shot.height, shot.width)

    def __call__(self, index: int) -> Uint8Array:
        return self._display.bytes_of(self._shot.frame(self._shot.frame_numbers[index]).plate)


def subject_mattes(
    shot: ShotSource, subjects: Sequence[Subject], monitor: Monitor, *, device: str = "auto"
) -> Iterator[SubjectMattes]:
    """Make the mattes of subjects, frame by frame in order.

    A subject that has words is looked for on a few frames, and all that is called so is followed from the one
    where it is surest. What is not found has empty mattes, and the log says so.

    Raises:
        ModelMissingError: when this machine lacks a model.
        PlateError: when a frame cannot be read.
        RemovalCancelled: when the monitor asked for a stop.
    """
    check_models(by_words=any(subject.words for subject in subjects))
    pictures = ShotPictures(shot)
    named = find_by_words(pictures, subjects, monitor, device=device)
    with only_model(TRACKER, model_folder(TRACKER), VideoTracker.load, monitor, device) as tracker:
        found = follow_named(tracker, pictures, subjects, named, monitor)
    for index, number in enumerate(shot.frame_numbers):
        monitor.check_cancelled()
        each = tuple(
            tuple(partial(_matte, track[index], pictures.size) for track in of_subject)
            for of_subject in found
        )
        yield SubjectMattes(number, each)


def _matte(logits: PackedLogits | None, size: tuple[int, int]) -> Float32Array:
    return np.zeros(size, np.float32) if logits is None else soft_matte(logits.logits(), size)


def find_by_words(
    pictures: ShotPictures, subjects: Sequence[Subject], monitor: Monitor, *, device: str = "auto"
) -> dict[int, list[Found]]:
    """What is found by the words of subjects, by their places among them, the surest frame first."""
    named = [index for index, subject in enumerate(subjects) if subject.words]
    if not named:
        return {}
    all_found: dict[int, list[Found]] = {}
    with only_model(FINDER, model_folder(FINDER), Sam3Finder.load, monitor, device) as finder:
        for step, index in enumerate(named):
            subject = subjects[index]
            monitor.progress("find", step, len(named))
            found = finder.find(subject.words, pictures, pictures.count, pictures.size, monitor)
            if not found:
                monitor.log(f"{subject.name}: nothing is called {subject.words!r} on the frames looked at")
                continue
            count = f", {len(found[0].masks)} of them" if len(found[0].masks) > 1 else ""
            monitor.log(f"{subject.name}: {subject.words!r} is surest on frame {found[0].frame + 1}{count}")
            all_found[index] = found
        monitor.progress("find", len(named), len(named))
    return all_found


def follow_named(
    tracker: VideoTracker,
    pictures: ShotPictures,
    subjects: Sequence[Subject],
    named: Mapping[int, Sequence[Found]],
    monitor: Monitor,
) -> list[list[Track]]:
    """Follow subjects with what their words have found; see :mod:`void_engine.segmentation.instances`.

    Prompts that somebody gave say more than words, so those of a subject that has both are refined by the
    surest frame only.
    """
    refined = [
        replace(subject, masks={named[index][0].frame: named[index][0].mask, **subject.masks})
        if named.get(index) and subject.frames
        else subject
        for index, subject in enumerate(subjects)
    ]

    def follow(asked: Sequence[Subject], monitor: Monitor) -> list[Track]:
        return tracker.follow(pictures, pictures.count, pictures.size, asked, monitor)

    return followed(refined, named, follow, monitor)
