"""Makes the orders that workers get."""

from __future__ import annotations

from void_protocol.messages import JobInfo
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import Store
from void_server.workers.supervisor import RunOrder
from void_server.workers.worker_link import Run


def run_order(info: JobInfo, store: Store, spool: Spool, room_bytes: int | None) -> RunOrder:
    """Make the order to run a job, whose results may take ``room_bytes`` (None for any number).

    The job is passed on as it was stored: whatever grows with the job or the shot is the worker's to read.
    """
    text, places = store.texts(info.job_id)
    files = spool.files(info.job_id)
    run = Run(
        job_id=info.job_id,
        resume=info.attempts > 0,
        folder=str(files.path),
        inputs=info.inputs,
        outputs=info.outputs,
        text_file="" if text else str(files.text_file(store.content(info.job_id) or b"")),
        room_bytes=room_bytes,
    )
    return RunOrder(run=run, text=text, places=places)
