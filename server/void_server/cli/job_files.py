"""Reads the job files of a command line, each for itself: one that is wrong does not stop the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from void_protocol.durable import write_whole
from void_protocol.errors import JobError, JobFileError
from void_protocol.job import RemovalJob
from void_protocol.job_file import names_its_id, read_job
from void_server.batch.errors import ManifestError
from void_server.batch.listed import BadShot, Writers
from void_server.cli.explain import CommandError
from void_server.cli.job_overrides import JobOverrides, with_overrides
from void_server.cli.terminal import say


def jobs_of_files(paths: Sequence[Path], overrides: JobOverrides) -> list[RemovalJob | BadShot]:
    """Read job files and change the jobs as the command line says.

    A job without an identity gets one written into its file, so that another run of it goes on with it. The
    file of a job that cannot be read, is not valid with the changes, or writes the files of one before it, is
    a bad shot. A job that is given twice is there once.
    """
    found: list[RemovalJob | BadShot] = []
    writers = Writers()
    for path in paths:
        try:
            job = read_job(path)
            _settle_id(path, job)
            changed = with_overrides(job, overrides)
            if writers.add(changed, str(path)):
                found.append(changed)
        except (JobError, JobFileError, CommandError, ManifestError) as error:
            found.append(BadShot(path.name, error))
    return found


def _settle_id(path: Path, job: RemovalJob) -> None:
    """Write the job's id into its file when the file has none. A file that cannot be written stays as it is:
    the id follows from its content."""
    text = path.read_bytes()
    if names_its_id(text):
        return
    line = rf'{{\g<1>"job_id": "{job.job_id}",\g<1>'.encode()
    settled = re.sub(rb"\{(\s*)", line, text, count=1)
    try:
        write_whole(path, settled)
    except OSError as error:
        say(f"{path} has no job_id and cannot be written ({error.strerror or error})", to_stderr=True)
        return
    say(f"{path} had no job_id; {job.job_id} is written into it", to_stderr=True)
