"""The stereo view in file patterns, as Nuke writes it: ``%V`` is the view's name, ``%v`` its first letter."""

from __future__ import annotations

from void_protocol.job import RemovalJob

_VERSION = "{version}"


def names_view(pattern: str) -> bool:
    """Return whether a pattern holds a view token."""
    return "%V" in pattern or "%v" in pattern


def for_view(pattern: str, view: str) -> str:
    """Return a pattern with its view tokens filled in; one without stays as it is."""
    return pattern.replace("%V", view).replace("%v", view[:1])


def result_for_view(pattern: str, view: str) -> str:
    """Return a result's pattern for one of several views: the tokens are filled in, and without any the
    view's name stands before the version, or else before the frame number."""
    if names_view(pattern):
        return for_view(pattern, view)
    if _VERSION in pattern:
        return pattern.replace(_VERSION, f"{view}_{_VERSION}")
    folder, slash, name = pattern.rpartition("/")
    stem, dot, rest = name.partition(".")
    return f"{folder}{slash}{stem}_{view}{dot}{rest}"


def with_view_filled(job: RemovalJob) -> RemovalJob:
    """Return the job with its own view in all of its patterns; one without tokens stays the same object."""
    filled = job.with_patterns(lambda pattern: for_view(pattern, job.shot.view))
    return job if filled == job else filled
