"""Proposals as people see them: pictures tinted by kind, paler where it is less sure."""

from __future__ import annotations

import msgspec
import numpy as np

from void_engine.arrays import Float32Array
from void_engine.effects.proposal import Kind
from void_engine.geometry import Box
from void_engine.plates.frame.frame import Frame
from void_protocol.job import RemovalJob
from void_protocol.proposal import note_of_frame
from void_protocol.sequence import frame_path
from void_protocol.task import Propose
from void_server.mattes.things import CONFIDENCE_CHANNEL, matte_channels

LEGEND = "blue: shadow   yellow: reflection, light   red: moved   violet: carried; pale: unsure"
_TINTS = {
    Kind.SHADOW: (0.25, 0.45, 1.0),
    Kind.REFLECTION: (1.0, 0.8, 0.15),
    Kind.MOVED: (1.0, 0.3, 0.2),
    Kind.CARRIED: (0.9, 0.25, 0.9),
}
"""The colours of the kinds."""
_OPACITY = 0.8
_PROPOSERS = frozenset({"evidence", "reason"})
"""Who proposes by kind. Mattes by prompts carry a note too, and are of no kind."""
_PALEST = 0.25


def proposal_patterns(job: RemovalJob) -> list[str]:
    """The patterns of the proposals that a job shows: its own result, or those that its mattes are of."""
    patterns = [job.output.versioned_pattern] if isinstance(job.task, Propose) else []
    patterns += dict.fromkeys(matte.pattern for matte in job.mattes)
    first = job.shot.first_frame
    notes = {pattern: note_of_frame(frame_path(pattern, first)) for pattern in patterns}
    return [pattern for pattern, note in notes.items() if note and not _PROPOSERS.isdisjoint(note.sources)]


def without_task(job: RemovalJob) -> RemovalJob:
    """The job as one whose files are of the plate's size, which those of a task are at any scale."""
    if job.is_removal:
        return job
    return msgspec.structs.replace(
        job, settings=msgspec.structs.replace(job.settings, proxy_scale=1.0), task=msgspec.UNSET
    )


def tints(frame: Frame, box: Box) -> tuple[Float32Array, Float32Array]:
    """The colours of the kinds that ``frame`` of a proposal has over ``box``, (H, W, 3), and how much of them
    lies over the picture, (H, W) in 0..1.

    Raises:
        PlateError: when the frame lacks a channel of a proposal.
    """
    planes = frame.read_channels(matte_channels(), box)
    sure = np.clip(planes[..., matte_channels().index(CONFIDENCE_CHANNEL)], _PALEST, 1.0)
    kinds = planes[..., 2 : 2 + len(_TINTS)]
    total = kinds.sum(axis=2)
    colours = kinds @ np.array(list(_TINTS.values()), np.float32)
    colours = colours / np.maximum(total, np.float32(1e-6))[..., None]
    return colours, np.asarray(np.float32(_OPACITY) * np.minimum(total, 1.0) * sure, np.float32)


def tinted(picture: Float32Array, frame: Frame, box: Box) -> Float32Array:
    """Tint a picture (H, W, 3) over ``box``, display-referred, by the kinds that ``frame`` of a proposal has.

    Raises:
        PlateError: when the frame lacks a channel of a proposal.
    """
    colours, weight = tints(frame, box)
    return np.asarray(picture + weight[..., None] * (colours - picture), np.float32)
