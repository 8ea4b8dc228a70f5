"""Finds the jobs behind whatever lists them: job files, folders, manifests and editorial timelines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from void_protocol.errors import JobError, JobFileError
from void_protocol.job import RemovalJob
from void_protocol.job_file import read_job
from void_server.batch.errors import ManifestError
from void_server.batch.listed import BadShot, Listed
from void_server.batch.manifest import read_csv_manifest, read_json_manifest
from void_server.batch.manifest_row import ManifestRow
from void_server.batch.timeline import TIMELINE_SUFFIXES, TimelineOptions, read_timeline

JOB_SUFFIX = ".json"


def read_sources(
    paths: Sequence[Path], defaults: ManifestRow | None = None, options: TimelineOptions | None = None
) -> Listed:
    """Return all shots that ``paths`` stand for, in their order.

    Args:
        paths: job files, folders with job files, ``.csv`` or ``.json`` manifests, and timelines.
        defaults: the fields that rows and clips leave open.
        options: what timelines leave open.

    Raises:
        ManifestError: when a list cannot be read, or there is no shot at all.
        JobFileError: when the only job file that was named is not valid; one among others is a bad shot.
    """
    defaults, options = defaults or ManifestRow(), options or TimelineOptions()
    listed = Listed()
    for path in paths:
        if path.is_dir():
            listed.add(_in_folder(path))
        elif path.suffix.lower() == ".csv":
            listed.add(read_csv_manifest(path, defaults))
        elif path.suffix.lower() in TIMELINE_SUFFIXES:
            listed.add(read_timeline(path, defaults, options))
        elif _is_list(path):
            listed.add(read_json_manifest(path, defaults))
        elif len(paths) == 1:
            listed.shots.append(read_job(path))
        else:
            listed.shots.append(_job_in(path))
    if not listed.shots:
        passed = "".join(f"; {note}" for note in listed.notes)
        raise ManifestError(
            f"there is no job in what was given; name job files, a folder of them or a list{passed}"
        )
    return listed


def _in_folder(folder: Path) -> Listed:
    files = sorted(path for path in folder.glob(f"*{JOB_SUFFIX}") if _is_job(path))
    if not files:
        raise ManifestError(f"{folder} holds no job files (*{JOB_SUFFIX} with a schema_version)")
    return Listed([_job_in(path) for path in files])


def _job_in(path: Path) -> RemovalJob | BadShot:
    try:
        return read_job(path)
    except (JobError, JobFileError) as error:
        return BadShot(path.stem, error)


def _is_job(path: Path) -> bool:
    """Return whether a JSON file in a folder is meant as a job, because reports and bundles may lie beside
    them."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return True  # reading it as a job reports what is wrong with it
    return isinstance(content, dict) and "schema_version" in content


def _is_list(path: Path) -> bool:
    try:
        return path.read_bytes().lstrip()[:1] == b"["
    except OSError:
        return False
