"""Finds the jobs behind whatever lists them: job files, folders, manifests and editorial timelines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from void_protocol.job import RemovalJob
from void_protocol.job_file import read_job
from void_server.batch.errors import ManifestError
from void_server.batch.manifest import read_csv_manifest, read_json_manifest
from void_server.batch.manifest_row import ManifestRow
from void_server.batch.timeline import TIMELINE_SUFFIXES, read_timeline

JOB_SUFFIX = ".json"


def read_sources(paths: Sequence[Path], defaults: ManifestRow | None = None) -> list[RemovalJob]:
    """Return all jobs that ``paths`` stand for, in their order.

    Args:
        paths: job files, folders with job files, ``.csv`` or ``.json`` manifests, and timelines.
        defaults: the fields that rows and clips leave open.

    Raises:
        ManifestError: when a list cannot be read, or there is no job at all.
        JobFileError: when a job file is not valid.
    """
    defaults = defaults or ManifestRow()
    jobs: list[RemovalJob] = []
    for path in paths:
        if path.is_dir():
            jobs += _in_folder(path)
        elif path.suffix.lower() == ".csv":
            jobs += read_csv_manifest(path, defaults)
        elif path.suffix.lower() in TIMELINE_SUFFIXES:
            jobs += read_timeline(path, defaults)
        elif _is_list(path):
            jobs += read_json_manifest(path, defaults)
        else:
            jobs.append(read_job(path))
    if not jobs:
        raise ManifestError("there is no job in what was given; name job files, a folder of them or a list")
    return jobs


def _in_folder(folder: Path) -> list[RemovalJob]:
    files = sorted(path for path in folder.glob(f"*{JOB_SUFFIX}") if _is_job(path))
    if not files:
        raise ManifestError(f"{folder} holds no job files (*{JOB_SUFFIX} with a schema_version)")
    return [read_job(path) for path in files]


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
