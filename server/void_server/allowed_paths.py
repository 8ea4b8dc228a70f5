"""Which paths of a job the server touches at all."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from void_protocol.job import RemovalJob
from void_protocol.manifest import input_files
from void_protocol.sequence import frame_path

from .errors import RequestRefused


def check_input(path: Path, roots: Sequence[Path]) -> None:
    """Refuse a path that may not be read: outside the roots (links resolved), or no regular file. One that
    does not exist passes; reading it will say so.

    Raises:
        RequestRefused: with code ``refused_path``.
    """
    _check_absolute(path)
    _check_roots(path, roots, "read_roots")
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        raise RequestRefused("refused_path", f"{path} is not a regular file")


def check_output_folder(folder: Path, roots: Sequence[Path]) -> None:
    """Refuse a folder that may not be written to.

    Raises:
        RequestRefused: with code ``refused_path``.
    """
    _check_absolute(folder)
    _check_roots(folder, roots, "output_roots")


def check_job_inputs(job: RemovalJob, roots: Sequence[Path]) -> None:
    """Check every input file of a job. Raises as :func:`check_input` does."""
    for file in input_files(job):
        check_input(file.path, roots)


def check_job_outputs(job: RemovalJob, roots: Sequence[Path]) -> None:
    """Check where a job writes. Raises as :func:`check_output_folder` does."""
    check_output_folder(frame_path(job.output.versioned_pattern, job.shot.first_frame).parent, roots)


def _check_absolute(path: Path) -> None:
    if not path.is_absolute():
        raise RequestRefused("refused_path", f"{path} is not absolute; the server has another current folder")


def _check_roots(path: Path, roots: Sequence[Path], setting: str) -> None:
    if roots and not any(path.resolve().is_relative_to(root) for root in roots):
        raise RequestRefused(
            "refused_path",
            f"{path} is outside the folders that this server may use ({setting}); "
            "send the files instead of their paths",
        )
