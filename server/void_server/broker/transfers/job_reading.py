"""Reads and checks the text of a job: a large one in a process of its own.

While one of Python's threads decodes JSON, no other runs: ten milliseconds for each megabyte, in which the
broker would answer nobody. So a large text is given to another process, which gives back the job without its
shapes. Nobody in the broker's process needs those.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from contextlib import suppress

import msgspec
from msgspec import Struct

from void_protocol.errors import JobError
from void_protocol.job import RemovalJob
from void_protocol.job_file import JOB_BYTES, decode_job
from void_protocol.wire import Payload
from void_server.errors import RequestRefused
from void_server.workers.environment import passed_on

QUICK_BYTES = 512 * 1024
"""A text up to this size is read at once."""
_LIMIT_S = 120.0
_NICENESS = 5


class ReadJob(Struct, frozen=True, kw_only=True):
    """A job that is valid."""

    job: RemovalJob
    """The job without its shapes."""
    shapes: bytes
    """A digest of its shapes: what they say, however it was written."""


class _Answer(Struct, frozen=True, kw_only=True):
    """What the other process says: the job, or what is wrong with it."""

    read: ReadJob | None = None
    problem: str = ""


def read_job(text: Payload) -> ReadJob:
    """Read a job.

    Raises:
        JobError: when it is not valid.
        RequestRefused: with code ``internal`` when the process that reads it fails.
    """
    if len(text) <= QUICK_BYTES:
        return _read(bytes(text))
    if len(text) > JOB_BYTES:
        raise JobError(f"$: the job has {len(text)} bytes; at most {JOB_BYTES}: split the shot")
    return _read_elsewhere(text)


def _read(text: bytes) -> ReadJob:
    job = decode_job(text)
    digest = hashlib.sha256()

    def add(part: bytes) -> None:
        digest.update(len(part).to_bytes(8, "big") + part)

    # One frame at a time: written out in full the shapes may take ten times the memory of what was sent.
    for shape in job.shapes:
        add(msgspec.json.encode(msgspec.structs.replace(shape, frames=[])))
        for frame in shape.frames:
            add(msgspec.json.encode(frame))
    return ReadJob(job=msgspec.structs.replace(job, shapes=[]), shapes=digest.digest())


def _read_elsewhere(text: Payload) -> ReadJob:
    failure = RequestRefused("internal", "the server cannot read this job now; send it again in a while")
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "void_server.broker.transfers.job_reading"],
            input=text,
            capture_output=True,
            timeout=_LIMIT_S,
            env=passed_on(os.environ),
            check=True,
        )
        answer = msgspec.msgpack.decode(done.stdout, type=_Answer)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
        raise failure from error
    if answer.read is None:
        raise JobError(answer.problem)
    return answer.read


def main() -> None:
    """Read a job from standard input, and write the answer to standard output."""
    with suppress(AttributeError, OSError):  # Windows has no such thing
        os.nice(_NICENESS)
    try:
        answer = _Answer(read=_read(sys.stdin.buffer.read()))
    except JobError as error:
        answer = _Answer(problem=str(error))
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
