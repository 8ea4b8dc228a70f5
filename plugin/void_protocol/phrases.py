"""What everything that shows jobs to people says in the same words."""

from __future__ import annotations

from void_protocol.fields import JobInfo


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


def queued_text(info: JobInfo) -> str:
    """Say what a job in the queue waits for. A message of the server is in it as it came."""
    if info.is_paused:
        return sentence(info.message) or "Held back on the server, until somebody lets it go on"
    place = info.queue_position
    return "Next to run" if not place else f"Behind {place} other{'s' if place != 1 else ''}"
