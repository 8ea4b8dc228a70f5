"""Cleans in a running server: by itself every ten minutes, and when an operator asks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from void_protocol.messages import Clean
from void_server.broker.connections.outbox import Outbox
from void_server.broker.jobs.queue import JobQueue
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import Store
from void_server.broker.keyed_threads import KeyedThreads
from void_server.broker.operators import cleaning
from void_server.settings import ServerSettings

_log = logging.getLogger(__name__)
_LANE = "cleaning"


class Housekeeping:
    """Cleans. The broker's thread decides and writes the store; another thread looks at the disk and
    deletes."""

    def __init__(
        self,
        *,
        settings: ServerSettings,
        store: Store,
        spool: Spool,
        threads: KeyedThreads,
        outbox: Outbox,
        queue: JobQueue,
        on_results_gone: Callable[[str], None] = lambda job_id: None,
    ) -> None:
        """Prepare to clean; ``on_results_gone`` is told each job whose results are forgotten."""
        self._settings = settings
        self._store = store
        self._spool = spool
        self._threads = threads
        self._outbox = outbox
        self._queue = queue
        self._on_results_gone = on_results_gone
        self._is_first = True

    def sweep(self) -> None:
        """Delete what is older than the settings allow."""
        self._queue.forget_unused()
        # A process that died leaves folders without a job, so one look after each start is enough.
        with_orphans, self._is_first = self._is_first, False
        self._find(None, lambda found: self._delete(found, _log_problems) if found else None, with_orphans)

    def clean(self, peer: bytes, message: Clean) -> None:
        """Tell a peer what can be deleted, or delete it and tell what was."""

        def tell(found: list[cleaning.Find], problems: list[str]) -> None:
            report = cleaning.report(message.request, found, applied=message.apply, problems=problems)
            self._outbox.send(peer, report)

        def found(finds: list[cleaning.Find]) -> None:
            if message.apply:
                self._delete(finds, partial(tell, finds))
            else:
                tell(finds, [])

        self._find(message.days, found)

    def _find(
        self, days: float | None, then: Callable[[list[cleaning.Find]], None], with_orphans: bool = True
    ) -> None:
        facts = cleaning.ask(self._store, self._settings, days, with_orphans=with_orphans)
        look = partial(cleaning.find, self._settings, self._spool, facts, days)
        self._threads.run(_LANE, look, lambda done: then(done.result()))

    def _delete(self, found: list[cleaning.Find], then: Callable[[list[str]], None]) -> None:
        size_bytes = sum(each.item.size_bytes for each in found)
        _log.info("cleaning up %d things, %.1f MB", len(found), size_bytes / 1e6)
        cleaning.forget(self._store, found)
        for each in found:
            if each.item.kind in ("job", "results"):
                self._on_results_gone(each.item.what)
        self._store.commit()
        self._threads.run(_LANE, partial(cleaning.delete, found), lambda done: then(done.result()))


def _log_problems(problems: list[str]) -> None:
    for problem in problems:
        _log.warning("%s", problem)
