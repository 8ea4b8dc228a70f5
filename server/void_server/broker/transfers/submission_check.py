"""Reads and checks a submission, on a thread because a large job takes a while."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from void_protocol.job import Settings
from void_protocol.messages import Submit
from void_protocol.wire import Payload
from void_server.access.places import PlaceFinder
from void_server.broker.jobs.store import NewJob
from void_server.broker.transfers.content_digest import ContentDigest
from void_server.broker.transfers.job_reading import ReadJob, read_job
from void_server.broker.transfers.packed_manifest import ManifestColumns, pack_manifest
from void_server.errors import RequestRefused
from void_server.settings import ServerSettings

_NO_FILES = pack_manifest([])


def read_submission(
    settings: ServerSettings, owner: str, message: Submit, payloads: Sequence[Payload], finder: PlaceFinder
) -> tuple[NewJob, ManifestColumns, Settings]:
    """Return the job to store, with its text whatever its length, its manifest (empty with paths), and its
    settings. ``finder`` finds where its files lie.

    Raises:
        RequestRefused: when the job or the manifest is not valid or not allowed.
    """
    manifest = _manifest(message, payloads)
    read = read_job(payloads[0], manifest)
    job = read.job
    shape = job.shot.format
    if shape.width * shape.height > settings.frame_pixels:
        raise RequestRefused(
            "limit",
            f"$.shot.format: {shape.width}x{shape.height} are more than {settings.frame_pixels} pixels "
            "(frame_pixels)",
        )
    packed = read.manifest or _NO_FILES
    files = ManifestColumns(packed)
    _check_sizes(settings, files, packed.largest)
    places = finder.find(job, message.inputs, message.outputs)
    new = NewJob(
        job_id=job.job_id,
        owner=owner,
        name=job.shot.name,
        engine=job.engine_label,
        inputs=message.inputs,
        outputs=message.outputs,
        output_pattern=job.output.versioned_pattern,
        frames_total=len(job.shot.frame_numbers),
        content=_content(message, read),
        job=bytes(payloads[0]),
        places=msgspec.json.encode(places),
        result_folder=os.path.split(places.output)[0],
        upload_bytes=files.total_bytes,
        priority=message.priority,
        view=job.shot.view,
        together=job.together,
    )
    # The engine that a removal has means nothing for a proposal.
    return new, files, job.settings if job.is_removal else Settings()


def _manifest(message: Submit, payloads: Sequence[Payload]) -> Payload | None:
    if message.inputs == "streamed" and len(payloads) != 2:
        raise RequestRefused("bad_message", "submit: streamed inputs need a manifest as the second payload")
    if message.inputs != "streamed" and len(payloads) != 1:
        raise RequestRefused("bad_message", "submit: a manifest comes with streamed inputs only")
    return payloads[1] if message.inputs == "streamed" else None


def _content(message: Submit, read: ReadJob) -> bytes:
    """Return a digest of what makes two submissions the same: what they say, however it is written."""
    content = ContentDigest()
    content.add(message.inputs.encode())
    content.add(message.outputs.encode())
    content.add((read.manifest or _NO_FILES).digest)
    content.add(msgspec.json.encode(read.job))
    content.add(read.shapes)
    return content.value


def _check_sizes(settings: ServerSettings, files: ManifestColumns, largest: int) -> None:
    if not files:
        return
    file = files[largest]
    if file.size > settings.file_bytes:
        raise RequestRefused(
            "limit",
            f"{file.group} frame {file.frame} has {file.size} bytes; "
            f"the server takes {settings.file_bytes} (file_bytes)",
        )
    if files.total_bytes > settings.upload_bytes:
        raise RequestRefused(
            "limit",
            f"the inputs have {files.total_bytes} bytes; the server takes {settings.upload_bytes} "
            "(upload_bytes)",
        )
