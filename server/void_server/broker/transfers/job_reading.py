"""Reads and checks the text of a job and its manifest: large ones in a process of their own.

While one of Python's threads decodes JSON, no other runs: ten milliseconds for each megabyte of a job, and
thirty for each of a manifest, in which the broker would answer nobody. So large texts are given to another
process, which gives back the job without its shapes, and the manifest as columns of numbers. Nobody in the
broker's process needs more of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress

import msgspec
from msgspec import Struct

from void_protocol.errors import JobError
from void_protocol.job import RemovalJob
from void_protocol.job_file import JOB_BYTES, decode_job
from void_protocol.wire import Payload
from void_server.broker.transfers.content_digest import ContentDigest
from void_server.broker.transfers.packed_manifest import PackedManifest, read_manifest
from void_server.errors import RequestRefused
from void_server.workers.environment import passed_on

QUICK_BYTES = 512 * 1024
"""Texts up to this size are read at once; a byte of a manifest counts as three, since it takes as long."""
_MANIFEST_WEIGHT = 3
_LIMIT_S = 120.0
_NICENESS = 5


class ReadJob(Struct, frozen=True, kw_only=True):
    """A job that is valid."""

    job: RemovalJob
    """The job without its shapes."""
    shapes: bytes
    """A digest of its shapes: what they say, however it was written."""
    manifest: PackedManifest | None = None
    """What its manifest says, where it has one."""


class _Answer(Struct, frozen=True, kw_only=True):
    """What the other process says: the job, or what is wrong with it."""

    read: ReadJob | None = None
    code: str = ""
    problem: str = ""


def read_job(text: Payload, manifest: Payload | None = None) -> ReadJob:
    """Read a job, and its manifest where it has one.

    Raises:
        RequestRefused: with code ``bad_job`` when the job is not valid or the manifest is not the job's,
            another one when the manifest cannot be read, and ``internal`` when the process that reads them
            fails.
    """
    if len(text) > JOB_BYTES:
        raise RequestRefused(
            "bad_job", f"$: the job has {len(text)} bytes; at most {JOB_BYTES}: split the shot"
        )
    if len(text) + _MANIFEST_WEIGHT * len(manifest or b"") <= QUICK_BYTES:
        return _read(bytes(text), manifest)
    return _read_elsewhere(text, manifest)


def _read(text: bytes, manifest: Payload | None) -> ReadJob:
    try:
        job = decode_job(text)
    except JobError as error:
        raise RequestRefused("bad_job", str(error)) from error
    digest = ContentDigest()
    # One frame at a time: written out in full the shapes may take ten times the memory of what was sent.
    for shape in job.shapes:
        digest.add(msgspec.json.encode(msgspec.structs.replace(shape, frames=[])))
        for frame in shape.frames:
            digest.add(msgspec.json.encode(frame))
    return ReadJob(
        job=msgspec.structs.replace(job, shapes=[]),
        shapes=digest.value,
        manifest=None if manifest is None else read_manifest(manifest, job),
    )


def _read_elsewhere(text: Payload, manifest: Payload | None) -> ReadJob:
    failure = RequestRefused("internal", "the server cannot read this job now; send it again in a while")
    try:
        answer = msgspec.msgpack.decode(_ask_another_process(text, manifest), type=_Answer)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
        raise failure from error
    if answer.read is None:
        raise RequestRefused(answer.code, answer.problem)
    return answer.read


def _ask_another_process(text: Payload, manifest: Payload | None) -> bytes:
    """Return what the other process answers.

    The texts go to it as they are: to join them would copy them, which holds up the other threads too.

    Raises:
        OSError, subprocess.SubprocessError: when it cannot be started, ends early or takes too long.
    """
    command = [sys.executable, "-P", "-m", "void_server.broker.transfers.job_reading", str(len(text))]
    with subprocess.Popen(
        [*command, *(["manifest"] if manifest is not None else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=passed_on(os.environ),
    ) as process:
        limit = threading.Timer(_LIMIT_S, process.kill)
        limit.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(text)
            process.stdin.write(manifest or b"")
            process.stdin.close()
            said = process.stdout.read()
        except BaseException:
            process.kill()
            raise
        finally:
            limit.cancel()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return said


def main() -> None:
    """Read a job from standard input, and write the answer to standard output.

    The first argument says how many bytes the job has; with a second one its manifest follows.
    """
    with suppress(AttributeError, OSError):  # Windows has no such thing
        os.nice(_NICENESS)
    size = int(sys.argv[1])
    text = sys.stdin.buffer.read(size)
    manifest = sys.stdin.buffer.read() if sys.argv[2:] else None
    try:
        answer = _Answer(read=_read(text, manifest))
    except RequestRefused as refusal:
        answer = _Answer(code=refusal.code, problem=str(refusal))
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
