"""Jobs that ended without a result and are asked for again: the only way out of a final state.

A job that failed or was cancelled keeps its identity, its log and its finished frames, and begins again where
a new job begins.
"""

from __future__ import annotations

from collections.abc import Callable

from void_protocol.messages import JobInfo, JobState, StateEvent, Transfer
from void_server.broker.jobs.queue import JobQueue
from void_server.broker.jobs.quotas import Quotas
from void_server.broker.jobs.store import Holding, Store
from void_server.errors import RequestRefused


def first_state(inputs: Transfer) -> JobState:
    """Return the state in which a job begins that gets its inputs this way."""
    return JobState.UPLOADING if inputs == "streamed" else JobState.QUEUED


def refusal_of(queue: JobQueue, quotas: Quotas, holding: Holding) -> RequestRefused | None:
    """Return why a job that takes so much cannot begin now; None when it can."""
    gate = queue.gate
    if gate.mode == "draining":
        why = f" ({gate.reason})" if gate.reason else ""
        return RequestRefused(
            "limit", f"the server is drained for maintenance by {gate.set_by}{why}; submit again later"
        )
    try:
        quotas.check(holding)
    except RequestRefused as refusal:
        return refusal
    return None


class Reopening:
    """Lets ended jobs begin again. All methods belong to the broker's thread."""

    def __init__(
        self, store: Store, quotas: Quotas, queue: JobQueue, publish: Callable[[StateEvent], None]
    ) -> None:
        self._store = store
        self._quotas = quotas
        self._queue = queue
        self._publish = publish

    def begin_by_id(self, info: JobInfo) -> None:
        """Let a job begin again of which the server still has all that it needs.

        Raises:
            RequestRefused: when it runs or is done, or when only its submitter has its files.
        """
        if not info.state.can_begin_again:
            raise RequestRefused("not_ready", f"job {info.job_id} is {info.state.value}; nothing to retry")
        if info.inputs == "streamed" or not self._store.texts(info.job_id)[0]:
            raise RequestRefused(
                "not_ready",
                f"the server has deleted what it had of job {info.job_id}; submit the job's file again",
            )
        self.begin(info)

    def begin(self, info: JobInfo) -> None:
        """Let a job begin again.

        Raises:
            RequestRefused: ``limit`` when too many are open.
        """
        job_id, state = info.job_id, first_state(info.inputs)
        holding = self._store.holding(job_id)
        if (refusal := refusal_of(self._queue, self._quotas, holding)) is not None:
            raise refusal
        event = self._store.reopen(job_id, state, "asked for again")
        self._quotas.enter(job_id, holding)
        if info.is_paused:
            self._queue.hold(job_id, "")
        self._queue.changed(job_id, state)
        self._publish(event)
