"""Mattes of subjects in a shot, frame by frame, with the models of this machine one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from void_engine.arrays import Uint8Array
from void_engine.engines.interface import Monitor, ShotSource
from void_engine.segmentation.finder import Sam3Finder
from void_engine.segmentation.model_folders import FINDER, TRACKER, model_folder
from void_engine.segmentation.pictures import ShotDisplay
from void_engine.segmentation.placement import only_model
from void_engine.segmentation.subjects import Subject, SubjectMattes
from void_engine.segmentation.tracker import Sam2Tracker, soft_matte


class ShotPictures:
    """The frames of a shot as display bytes, counted from 0."""

    def __init__(self, shot: ShotSource) -> None:
        self._shot = shot
        self._display = ShotDisplay.of(shot)
        self.count = len(shot.frame_numbers)
        self.size = (shot.height, shot.width)

    def __call__(self, index: int) -> Uint8Array:
        return self._display.bytes_of(self._shot.frame(self._shot.frame_numbers[index]).plate)


def check_models(subjects: Sequence[Subject]) -> None:
    """Make sure that the models which subjects need are on this machine, before anything is read.

    Raises:
        ModelMissingError: when one is not.
    """
    model_folder(TRACKER)
    if any(subject.words for subject in subjects):
        model_folder(FINDER)


def subject_mattes(
    shot: ShotSource, subjects: Sequence[Subject], monitor: Monitor, *, device: str = "auto"
) -> Iterator[SubjectMattes]:
    """Make the mattes of subjects, frame by frame in order.

    A subject that has words is looked for on a few frames, and followed from the one where it is surest. What
    is not found has empty mattes, and the log says so.

    Raises:
        ModelMissingError: when this machine lacks a model.
        PlateError: when a frame cannot be read.
        RemovalCancelled: when the monitor asked for a stop.
    """
    check_models(subjects)
    pictures = ShotPictures(shot)
    subjects = find_by_words(pictures, subjects, monitor, device=device)
    with only_model(TRACKER, model_folder(TRACKER), Sam2Tracker.load, monitor, device) as tracker:
        found = tracker.follow(pictures, pictures.count, pictures.size, subjects, monitor)
    empty = np.zeros(pictures.size, np.float32)
    for index, number in enumerate(shot.frame_numbers):
        monitor.check_cancelled()
        logits = [of_subject[index] for of_subject in found]
        yield SubjectMattes(
            number, tuple(empty if one is None else soft_matte(one.logits(), pictures.size) for one in logits)
        )


def find_by_words(
    pictures: ShotPictures, subjects: Sequence[Subject], monitor: Monitor, *, device: str = "auto"
) -> list[Subject]:
    """Give each subject with words a mask on the frame where it is found best."""
    subjects = list(subjects)
    named = [index for index, subject in enumerate(subjects) if subject.words]
    if not named:
        return subjects
    with only_model(FINDER, model_folder(FINDER), Sam3Finder.load, monitor, device) as finder:
        for step, index in enumerate(named):
            subject = subjects[index]
            monitor.progress("find", step, len(named))
            found = finder.find(subject.words, pictures, pictures.count, pictures.size, monitor)
            if found is None:
                monitor.log(f"{subject.name}: nothing is called {subject.words!r} on the frames looked at")
                continue
            monitor.log(f"{subject.name}: {subject.words!r} is surest on frame {found.frame + 1} of the shot")
            subjects[index] = replace(subject, masks={**subject.masks, found.frame: found.mask})
        monitor.progress("find", len(named), len(named))
    return subjects
