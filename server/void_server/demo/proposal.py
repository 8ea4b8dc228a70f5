"""How well the proposal by evidence finds the shadow of the demo's ball, whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.colour import srgb
from void_engine.effects.shot import proposed_frames
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.removal_monitor import RemovalMonitor
from void_protocol.job import RemovalJob
from void_server.mattes.files import opened_shot

_VISIBLE = 6.0 / 255.0
"""Plate and truth differ by more than this, in display values, where the shadow is."""
_FREE_PX = 6
"""What is proposed this near the shadow is no fault."""


@dataclass(frozen=True, slots=True)
class ShadowFound:
    """How much of the shadow is proposed, over the whole shot."""

    iou: float
    precision: float
    recall: float
    unknown: str
    """Why nothing could be known of most frames; empty where it could."""

    def sentence(self) -> str:
        """The figures in one line."""
        line = (
            f"shadow proposed by evidence: IoU {self.iou:.2f} (precision {self.precision:.2f}, "
            f"recall {self.recall:.2f})"
        )
        return f"{line}; {self.unknown}" if self.unknown else line


def judge_proposal(job: RemovalJob, truth_pattern: str, monitor: RemovalMonitor) -> ShadowFound:
    """Propose what the ball affected, and compare with where plate and truth differ outside its matte.

    Raises:
        EngineError: when a picture cannot be read.
    """
    hit = wrong = missed = 0
    reasons: list[str] = []
    first, last = job.shot.first_frame, job.shot.last_frame
    with opened_shot(job, monitor) as opened, PlateSequence(truth_pattern, first, last) as truths:
        for each in proposed_frames(opened.shot, monitor):
            frame = opened.shot.frame(each.number)
            codes = [
                srgb.encode(np.clip(light, 0, 1))
                for light in (frame.plate, truths.frame(each.number).read_rgb(opened.shot.box))
            ]
            shadow = (np.abs(codes[0] - codes[1]).max(axis=2) > _VISIBLE) & (frame.remove == 0)
            around = opencv.dilate_by_disc(shadow, _FREE_PX)
            proposed = each.matte >= 0.5
            hit += int((proposed & shadow).sum())
            missed += int((shadow & ~proposed).sum())
            wrong += int((proposed & ~around).sum())
            reasons += [each.facts.unknown] if each.facts.unknown else []
    return ShadowFound(
        hit / max(1, hit + missed + wrong),
        hit / max(1, hit + wrong),
        hit / max(1, hit + missed),
        reasons[0] if len(reasons) > len(job.shot.frame_numbers) / 2 else "",
    )
