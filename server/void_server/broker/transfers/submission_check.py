"""Reads and checks a submission, on a thread because a large job takes a while."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from void_protocol.errors import JobError, WireError
from void_protocol.job import RemovalJob, Settings
from void_protocol.manifest import input_files
from void_protocol.messages import ManifestEntry, Submit
from void_protocol.wire import Payload, decode_manifest, encode_manifest
from void_server.access.allowed_paths import reading_rules, writing_rules
from void_server.access.places import find_places
from void_server.broker.jobs.store import NewJob
from void_server.broker.transfers.job_reading import ReadJob, read_job
from void_server.errors import RequestRefused
from void_server.settings import ServerSettings


def read_submission(
    settings: ServerSettings, owner: str, message: Submit, payloads: Sequence[Payload]
) -> tuple[NewJob, list[ManifestEntry], Settings]:
    """Return the job to store, with its text whatever its length, its manifest (empty with paths), and its
    settings.

    Raises:
        RequestRefused: when the job or the manifest is not valid or not allowed.
    """
    try:
        read = read_job(payloads[0])
    except JobError as error:
        raise RequestRefused("bad_job", str(error)) from error
    job = read.job
    shape = job.shot.format
    if shape.width * shape.height > settings.frame_pixels:
        raise RequestRefused(
            "limit",
            f"$.shot.format: {shape.width}x{shape.height} are more than {settings.frame_pixels} pixels "
            "(frame_pixels)",
        )
    entries: list[ManifestEntry] = []
    if message.inputs == "streamed":
        entries = _read_manifest(settings, job, payloads)
    elif len(payloads) != 1:
        raise RequestRefused("bad_message", "submit: a manifest comes with streamed inputs only")
    places = find_places(
        job, message.inputs, message.outputs, reading_rules(settings), writing_rules(settings)
    )
    new = NewJob(
        job_id=job.job_id,
        owner=owner,
        name=job.shot.name,
        engine=job.settings.engine,
        inputs=message.inputs,
        outputs=message.outputs,
        output_pattern=job.output.versioned_pattern,
        frames_total=len(job.shot.frame_numbers),
        content=_content(message, read, entries),
        job=bytes(payloads[0]),
        places=msgspec.json.encode(places),
        result_folder=str(Path(places.output).parent) if places.output else "",
        upload_bytes=sum(entry.size for entry in entries),
        priority=message.priority,
    )
    return new, entries, job.settings


def _content(message: Submit, read: ReadJob, entries: Sequence[ManifestEntry]) -> bytes:
    """Return a digest of what makes two submissions the same: what they say, however it is written."""
    content = hashlib.sha256()

    def add(part: bytes) -> None:
        content.update(len(part).to_bytes(8, "big") + part)

    add(message.inputs.encode())
    add(message.outputs.encode())
    add(encode_manifest(entries))
    add(msgspec.json.encode(read.job))
    add(read.shapes)
    return content.digest()


def _read_manifest(
    settings: ServerSettings, job: RemovalJob, payloads: Sequence[Payload]
) -> list[ManifestEntry]:
    if len(payloads) != 2:
        raise RequestRefused("bad_message", "submit: streamed inputs need a manifest as the second payload")
    try:
        entries = decode_manifest(bytes(payloads[1]))
    except WireError as error:
        raise RequestRefused(error.code, str(error)) from error
    needed = 0
    for needed, file in enumerate(input_files(job), start=1):
        if needed > len(entries):
            raise RequestRefused("bad_job", f"the manifest ends before {file.group} frame {file.frame}")
        entry = entries[needed - 1]
        if (entry.group, entry.frame) != (file.group, file.frame):
            raise RequestRefused(
                "bad_job",
                f"file {needed - 1} of the manifest is {entry.group} frame {entry.frame}; "
                f"the job needs {file.group} frame {file.frame} there",
            )
        if entry.size > settings.file_bytes:
            raise RequestRefused(
                "limit",
                f"{file.group} frame {file.frame} has {entry.size} bytes; "
                f"the server takes {settings.file_bytes} (file_bytes)",
            )
    if needed != len(entries):
        raise RequestRefused("bad_job", f"the manifest has {len(entries)} files; the job needs {needed}")
    total = sum(entry.size for entry in entries)
    if total > settings.upload_bytes:
        raise RequestRefused(
            "limit",
            f"the inputs have {total} bytes; the server takes {settings.upload_bytes} (upload_bytes)",
        )
    return entries
