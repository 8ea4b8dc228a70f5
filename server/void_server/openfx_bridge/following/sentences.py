"""What an artist reads of a removal: one line each."""

from __future__ import annotations

from void_protocol.fields import MUCH_INVENTED, JobInfo, JobState, ProgressInfo
from void_protocol.phrases import duration, queued_text, sentence
from void_protocol.printable import printable


def running_text(info: JobInfo | None, progress: ProgressInfo | None, ready: int, total: int) -> str:
    """Say what a removal that has not ended is doing.

    Args:
        info: what the server last said of the job; None before it said anything.
        progress: how far its present stage is; None while unknown.
        ready: how many frames of the result are there.
        total: how many there will be.
    """
    if info is None:
        return "Handing the removal to the server"
    if info.state is JobState.UPLOADING:
        return "Sending the plate to the server"
    if info.state is JobState.QUEUED:
        return printable(queued_text(info))
    if info.state is JobState.CANCELLING:
        return "Stopping"
    parts = []
    if ready >= total:
        parts.append("Finishing")
    elif ready:
        parts.append(f"Frame {ready + 1} of {total}")
    elif progress is not None and progress.stage:
        step = f", {progress.step} of {progress.steps}" if progress.steps > 1 else ""
        parts.append(f"{sentence(printable(progress.stage))}{step}")
    else:
        parts.append("Running")
    if progress is not None and progress.eta_s is not None and progress.eta_s >= 1:
        parts.append(f"about {duration(progress.eta_s)} left")
    return ", ".join(parts) + advice(None if progress is None else progress.invented)


def finished_text(ready: int, total: int, invented: float | None) -> str:
    """Say that a removal has ended well."""
    if ready < total:
        return f"Finished, but {total - ready} of {total} frames are gone; remove again with Version 0"
    return (f"Finished, {total} frames" if total != 1 else "Finished, 1 frame") + advice(invented)


def proposed_text(ready: int, total: int) -> str:
    """Say that a proposal is there, and what can be done with it."""
    if ready < total:
        return f"{total - ready} of {total} frames of the proposal are gone; press Propose affected again"
    return "Finished: set Show to Proposal over the plate, and switch Use proposal on if it is right"


def stopped_text(ready: int, total: int) -> str:
    """Say that a removal was cancelled."""
    return f"Cancelled; {ready} of {total} frames are there and stay" if ready else "Cancelled"


def advice(invented: float | None) -> str:
    """Say how much is invented where that is much."""
    if invented is None or invented < MUCH_INVENTED:
        return ""
    return f"; {round(100 * invented)} % of what goes is invented, because no frame shows it"
