"""Writes what the panel says about a job, in words and numbers."""

from __future__ import annotations

from void_nuke.jobs.tracked_job import Phase, TrackedJob
from void_protocol.fields import MUCH_INVENTED
from void_protocol.phrases import duration, queued_text, sentence
from void_protocol.printable import printable, printable_lines

MODEL_ENGINE = "void"
"""The engine that is there to invent, and is advised where another one has to."""
_PHASES = {
    Phase.EXPORTING: "Exporting",
    Phase.SUBMITTING: "Submitting",
    Phase.UPLOADING: "Sending",
    Phase.QUEUED: "Waiting",
    Phase.RUNNING: "Running",
    Phase.CANCELLING: "Stopping",
    Phase.DONE: "Done",
    Phase.FAILED: "Failed",
    Phase.CANCELLED: "Cancelled",
    Phase.HANDED_OVER: "On the farm",
}


def title(job: TrackedJob) -> str:
    """Name a job by its shot, version and, where a press was for several, its view: ``sh010 v003 left``."""
    view = f" {job.record.view}" if job.record.view else ""
    return printable(f"{job.name} v{job.version:03d}{view}")


def phase_word(job: TrackedJob) -> str:
    """Name the job's phase in a word or two."""
    return _PHASES[job.phase]


def status_line(job: TrackedJob) -> str:
    """Write what the job is doing, how far it is and how long it still takes. Before that comes how much is
    invented where that is much, and after it what a model's frames consist of."""
    share = f"{round(100 * (job.invented or 0.0))} % invented" if advice(job) else ""
    return printable_lines("; ".join(part for part in (share, _status_line(job), _composition(job)) if part))


def _composition(job: TrackedJob) -> str:
    """The shares of what goes that are real, moved, the model's and invented; empty where no model tells."""
    shares = (job.real, job.moved, job.model, job.invented)
    if job.model is None or job.phase not in (Phase.RUNNING, Phase.DONE):
        return ""
    words = ("real", "moved", "the model's", "invented")
    parts = (f"{round(100 * (share or 0.0))} % {word}" for share, word in zip(shares, words, strict=True))
    return ", ".join(parts)


def advice(job: TrackedJob) -> str:
    """Warn that much of what goes is never shown by another frame; empty where it is not so."""
    share = job.invented or 0.0
    if share < MUCH_INVENTED or job.engine == MODEL_ENGINE or job.phase not in (Phase.RUNNING, Phase.DONE):
        return ""
    return printable(
        f"{sentence(job.engine)} invents {round(100 * share)} % of what goes, because no frame shows it: "
        "use VOID, or give a clean frame"
    )


def _status_line(job: TrackedJob) -> str:
    if not job.is_connected and not job.phase.is_final:
        return "The server does not answer; the job goes on there and is taken up when it does"
    if job.phase is Phase.RUNNING:
        parts = [job.message or "running"]
        if job.frames_done:
            parts.append(f"{job.frames_done} of {len(job.frames.frames)} frames")
        if job.eta_s is not None:
            parts.append(f"{duration(job.eta_s)} left")
        return sentence(", ".join(parts))
    if job.phase is Phase.QUEUED:
        if job.info is None:
            return sentence(job.message) or phase_word(job)
        return queued_text(job.info)
    if job.phase is Phase.DONE:
        where = f", in {job.read_node}" if job.read_node else ""
        return sentence(job.message) or f"{len(job.frames.frames)} frames{where}"
    if job.phase is Phase.FAILED:
        return sentence(job.message) or "No reason was given; open the log"
    return sentence(job.message) or phase_word(job)


def percent(job: TrackedJob) -> int | None:
    """Return how much of the present phase is done, 0..100; None where there is nothing to measure."""
    if job.phase in (Phase.QUEUED, Phase.SUBMITTING, Phase.CANCELLING, Phase.HANDED_OVER):
        return None
    if job.phase is Phase.DONE:
        return 100
    return round(100 * min(max(job.fraction, 0.0), 1.0))
