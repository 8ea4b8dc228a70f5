"""Reads frames that are typed after an option of a command."""

from __future__ import annotations

import typer

from void_protocol.errors import FrameListError
from void_protocol.frame_list import parse_frame_range, parse_frames
from void_protocol.job import RemovalJob

FRAMES = "--frames"
"""The option's name, for errors."""


def range_option(text: str | None) -> tuple[int, int] | None:
    """Return the first frame and the last of ``--frames``, both included; None where it is not given.

    Raises:
        typer.BadParameter: when the text names no frames, or leaves some out.
    """
    try:
        return parse_frame_range(text) if text else None
    except FrameListError as error:
        raise typer.BadParameter(str(error), param_hint=FRAMES) from error


def frames_option(text: str) -> list[int]:
    """Return the frames of ``--frames`` in ascending order.

    Raises:
        typer.BadParameter: when the text names no frames.
    """
    try:
        return parse_frames(text)
    except FrameListError as error:
        raise typer.BadParameter(str(error), param_hint=FRAMES) from error


def frames_in(job: RemovalJob, text: str) -> list[int]:
    """Return those frames of ``--frames`` that are a job's, in ascending order.

    Raises:
        typer.BadParameter: when the text names no frames, or none of the job's.
    """
    found = [frame for frame in frames_option(text) if frame in job.shot.frame_numbers]
    if not found:
        shot = f"{job.shot.first_frame}-{job.shot.last_frame}"
        raise typer.BadParameter(f"{text} has no frame of {job.shot.name}, {shot}", param_hint=FRAMES)
    return found
