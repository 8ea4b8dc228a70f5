"""What an artist reads of a removal: one line each."""

from __future__ import annotations

from void_protocol.fields import MUCH_INVENTED, JobInfo, JobState, ProgressInfo
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
    if info.state in (JobState.QUEUED, JobState.UPLOADING):
        return _waiting_text(info)
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


def _waiting_text(info: JobInfo) -> str:
    if info.state is JobState.UPLOADING:
        return "Sending the plate to the server"
    if info.is_paused:
        return printable(sentence(info.message)) or "Held back on the server, until somebody lets it go on"
    place = info.queue_position
    return "Next to run" if not place else f"Behind {place} other{'s' if place != 1 else ''}"


def finished_text(ready: int, total: int, invented: float | None) -> str:
    """Say that a removal has ended well."""
    if ready < total:
        return f"Finished, but {total - ready} of {total} frames are gone; remove again with Version 0"
    return (f"Finished, {total} frames" if total != 1 else "Finished, 1 frame") + advice(invented)


def stopped_text(ready: int, total: int) -> str:
    """Say that a removal was cancelled."""
    return f"Cancelled; {ready} of {total} frames are there and stay" if ready else "Cancelled"


def advice(invented: float | None) -> str:
    """Say how much is invented where that is much."""
    if invented is None or invented < MUCH_INVENTED:
        return ""
    return f"; {round(100 * invented)} % of what goes is invented, because no frame shows it"


def duration(seconds: float) -> str:
    """Write a duration for people: ``45 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole < 600 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def sentence(text: str) -> str:
    """Begin a message with a capital."""
    return text[:1].upper() + text[1:]
