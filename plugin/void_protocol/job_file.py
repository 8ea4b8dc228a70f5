"""Reads and writes jobs as JSON, and gives the JSON Schema for other languages."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from void_protocol.durable import write_whole
from void_protocol.errors import JobError, JobFileError
from void_protocol.job import SCHEMA_VERSION, RemovalJob
from void_protocol.job_check import check_job
from void_protocol.job_fields import unknown_field_hint
from void_protocol.view_pattern import with_view_filled

JOB_BYTES = 64 * 1024 * 1024
"""The largest job in bytes of JSON."""
MAX_CONTAINERS = 2_000_000
"""The most lists and objects in a job's JSON; each control point is one. Each takes about 300 bytes of
memory, so a small file could otherwise ask for a lot."""
_SHOWN_CONSTANTS = 8
_SEARCHED_BYTES = 4 * 1024 * 1024
"""Up to this size an unreadable job is read again to find the reason; Python's own reader takes much
memory."""
_decoder = msgspec.json.Decoder(RemovalJob)


class _Versioned(msgspec.Struct):
    """The version of a job, which is read first, because a job of another version may differ anywhere."""

    schema_version: Any = None


class _Identified(msgspec.Struct):
    """The identity that a job's text gives, if it gives one."""

    job_id: Any = None


_identified = msgspec.json.Decoder(_Identified)
_version_decoder = msgspec.json.Decoder(_Versioned)


def decode_job(text: bytes | str) -> RemovalJob:
    """Read a job from JSON and check it. Its patterns hold no view tokens any more: they name its view.

    Raises:
        JobError: when the job is not valid; it names each wrong field by its JSON path. Also when the text is
            larger than :data:`JOB_BYTES` or has more than :data:`MAX_CONTAINERS` lists and objects.
    """
    _check_size(text)
    try:
        version = _version_decoder.decode(text).schema_version
        if version != SCHEMA_VERSION or isinstance(version, bool):
            raise JobError(_version_problem(version))
        job = _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise JobError(_with_path_first(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JobError(_named_constants(text) or f"$: not readable as JSON ({error})") from error
    job = with_view_filled(job)
    check_job(job)
    return job


def _check_size(text: bytes | str) -> None:
    """Refuse a job that would take too much memory, before it is read."""
    if len(text) > JOB_BYTES:
        raise JobError(f"$: the job has {len(text)} bytes; at most {JOB_BYTES}: split the shot")
    opened = (
        text.count(b"[") + text.count(b"{") if isinstance(text, bytes) else text.count("[") + text.count("{")
    )
    if opened > MAX_CONTAINERS:
        raise JobError(
            f"$: the job has {opened} lists and objects (shapes, their frames, control points); at most "
            f"{MAX_CONTAINERS}: render the shapes as a matte, or split the shot"
        )


class _Constant(str):
    """A number such as NaN or Infinity, which is not JSON but which careless writers put there."""


def _named_constants(text: bytes | str) -> str:
    """List the places where ``text`` has numbers that JSON does not know, one a line; empty when there are
    none."""
    if len(text) > _SEARCHED_BYTES:
        return ""
    try:
        found = _constants(json.loads(text, parse_constant=_Constant), "$")
        return "\n".join(
            f"{path}: {value} is not a finite number" for path, value in islice(found, _SHOWN_CONSTANTS)
        )
    except (ValueError, RecursionError):  # the text is not JSON for another reason
        return ""


def _constants(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, _Constant):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _constants(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _constants(item, f"{path}[{index}]")


def _version_problem(version: object) -> str:
    if version is None:
        return f"$.schema_version: missing; this release writes and reads version {SCHEMA_VERSION}"
    return (
        f"$.schema_version: {version!r} is not known here, only {SCHEMA_VERSION}; "
        "use the release that wrote the job, or export it again"
    )


def _with_path_first(message: str) -> str:
    """Put the field first in a message of msgspec, which writes ``what - at `$.path``."""
    what, separator, path = message.rpartition(" - at ")
    if not separator:
        what, path = message, "$"
    path = path.strip("`")
    hint = unknown_field_hint(what, path)
    return f"{path}: {what}; {hint}" if hint else f"{path}: {what}"


def encode_job(job: RemovalJob) -> bytes:
    """Write the job as compact JSON, with its fields in a fixed order.

    Raises:
        JobError: when the job is not valid. Without this check NaN would silently become null.
    """
    check_job(job)
    return msgspec.json.encode(job)


def with_content_id(job: RemovalJob) -> RemovalJob:
    """Return the job with an id that follows from all the rest of it.

    Whoever makes the same job gets the same id, so that it can be resumed, and submitted a second time
    without running twice. The id that the job had does not count.

    Raises:
        JobError: when the job is not valid.
    """
    rest = encode_job(msgspec.structs.replace(job, job_id="0"))
    return msgspec.structs.replace(job, job_id=hashlib.sha256(rest).hexdigest()[:32])


def job_fingerprint(job: RemovalJob) -> str:
    """Return a hash of all that the job says, 64 hexadecimal digits. Each frame of a result carries it, so
    that frames of an edited job are told from the others.

    Raises:
        JobError: when the job is not valid.
    """
    return hashlib.sha256(encode_job(job)).hexdigest()


def format_job(job: RemovalJob) -> bytes:
    """Write the job as JSON for people: indented, with one line for each control point."""
    lines = _lines(json.loads(encode_job(job)), "")
    return ("".join(lines) + "\n").encode()


def _lines(value: Any, indent: str) -> list[str]:
    inner = indent + "  "
    if isinstance(value, dict) and value:
        items = [f"{inner}{json.dumps(key)}: {''.join(_lines(item, inner))}" for key, item in value.items()]
        return ["{\n", ",\n".join(items), f"\n{indent}}}"]
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        items = [f"{inner}{''.join(_lines(item, inner))}" for item in value]
        return ["[\n", ",\n".join(items), f"\n{indent}]"]
    return [json.dumps(value)]


def read_job(path: Path) -> RemovalJob:
    """Read the job in a file. Relative patterns start in the folder of the file. A job without ``job_id``
    gets the one that follows from its content, so that it is the same job each time.

    Raises:
        JobFileError: when the file cannot be read or does not hold a valid job; the message names the file.
    """
    try:
        with path.open("rb") as file:
            text = file.read(JOB_BYTES + 1)
    except OSError as error:
        raise JobFileError(f"cannot read the job file {path}: {error.strerror or error}") from error
    try:
        job = decode_job(text)
        folder = path.absolute().parent
        job = job.with_patterns(lambda pattern: _pattern_below(folder, pattern))
        return job if names_its_id(text) else with_content_id(job)
    except JobError as error:
        raise JobFileError(f"{path} is not a valid job:\n{error}") from error


def names_its_id(text: bytes) -> bool:
    """Whether the JSON of a valid job gives the job's identity."""
    return bool(_identified.decode(text).job_id)


def _pattern_below(folder: Path, pattern: str) -> str:
    """Return a relative pattern as one that starts in ``folder``. An absolute one, of this system or with a
    drive of Windows or a share, is left as it is."""
    if pattern.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", pattern):
        return pattern
    return os.path.normpath(folder / pattern)


def write_job(job: RemovalJob, path: Path, *, overwrite: bool = False) -> None:
    """Save ``job`` as readable JSON. The file appears only when it is whole.

    Raises:
        JobFileError: when the file exists and ``overwrite`` is false, or cannot be written.
        JobError: when the job is not valid.
    """
    text = format_job(job)
    if path.exists() and not overwrite:
        raise JobFileError(f"{path} exists already; choose another name")
    try:
        write_whole(path, text)
    except OSError as error:
        raise JobFileError(f"cannot write the job file {path}: {error.strerror or error}") from error


def job_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a job."""
    schema = msgspec.json.schema(RemovalJob)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "VOID removal job", **schema}
