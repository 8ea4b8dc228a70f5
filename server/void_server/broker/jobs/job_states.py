"""The table that says which state of a job may follow which. Every change of a state is checked against
it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from void_protocol.messages import JobState

FIRST_STATES = frozenset({JobState.UPLOADING, JobState.QUEUED})
"""A job that is accepted begins as one of these: with streamed inputs it is uploaded first, with paths it is
queued at once."""

NEXT_STATES: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.UPLOADING: frozenset({JobState.UPLOADING, JobState.QUEUED, JobState.CANCELLED}),
        JobState.QUEUED: frozenset({JobState.QUEUED, JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}),
        JobState.RUNNING: frozenset(
            {JobState.RUNNING, JobState.QUEUED, JobState.CANCELLING, JobState.DONE, JobState.FAILED}
        ),
        JobState.CANCELLING: frozenset({JobState.CANCELLED, JobState.DONE, JobState.FAILED}),
        JobState.DONE: frozenset(),
        JobState.FAILED: frozenset(),
        JobState.CANCELLED: frozenset(),
    }
)
"""The states that may follow each state. A state that follows itself changes its message only: an upload that
is blocked, a job that is paused, a worker that waits for a file. A worker may end with its job before it
hears of the stop, so that a job that is being cancelled may still be done or have failed."""


def may_follow(state: JobState | None, following: JobState) -> bool:
    """Whether a job in ``state``, or one that is not stored yet (None), may get the state ``following``."""
    return following in (FIRST_STATES if state is None else NEXT_STATES[state])
