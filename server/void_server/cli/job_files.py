"""Reads the job files of a command line, each for itself: one that is wrong does not stop the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from void_protocol.durable import write_whole
from void_protocol.errors import JobError, JobFileError
from void_protocol.job import RemovalJob
from void_protocol.job_file import names_its_id, read_job
from void_server.batch.listed import BadShot, once_each
from void_server.cli.explain import CommandError
from void_server.cli.job_overrides import JobOverrides, with_overrides
from void_server.cli.terminal import say


def jobs_of_files(paths: Sequence[Path], overrides: JobOverrides) -> list[RemovalJob | BadShot]:
    """Read job files and change the jobs as the command line says.

    A job without an identity gets one written into its file, so that another run of it goes on with it. The
    file of a job that cannot be read, or is not valid with the changes, is a bad shot.

    Raises:
        ManifestError: when two jobs would write the same files.
    """
    found: list[RemovalJob | BadShot] = []
    for path in paths:
        try:
            job = read_job(path)
            _settle_id(path, job)
            found.append(with_overrides(job, overrides))
        except (JobError, JobFileError, CommandError) as error:
            found.append(BadShot(path.name, error))
    return once_each(found)


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
