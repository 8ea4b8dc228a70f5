"""Where the files of jobs lie in the server's home.

::

    jobs/<job id>-<digest>/log.txt
    jobs/<job id>-<digest>/...      see :mod:`void_server.workers.job_folder`

No name comes from a client. The folder is named by the job's checked id, with a digest because some file
systems take ``A`` for ``a`` and refuse ``con``. Nobody but the server's user may look into ``jobs``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from void_protocol.durable import sync_folder, write_whole
from void_protocol.messages import ManifestEntry, Transfer
from void_protocol.private_folders import make_private_folder
from void_protocol.sequence import frame_path
from void_server.workers.job_folder import JobFolder

TEMPORARY_SUFFIX = ".part"
"""The name of an input file ends with this until the file is whole."""


class Spool:
    """The folders of all jobs below one home."""

    def __init__(self, home: Path) -> None:
        # Links are followed once, since what is opened later has to lie at the very path that is named here.
        self.root = home.resolve() / "jobs"

    def prepare(self) -> None:
        """Make the folder of all jobs, for the server alone.

        Raises:
            OSError: when it cannot be made.
            KeyFileError: when others may write to it.
        """
        make_private_folder(self.root, closed=True)

    def folder(self, job_id: str) -> Path:
        return self.root / _folder_name(job_id)

    def told(self, job_id: str, text: str) -> str:
        """Return a text about a job as its clients may read it: of its files here it names group and frame
        (``inputs/plate/plate.0001001.exr``), and not where the server keeps them."""
        return text.replace(f"{self.folder(job_id)}{os.sep}", "")

    def files(self, job_id: str) -> JobFolder:
        """Return the names of the job's files."""
        return JobFolder(self.folder(job_id))

    def result_pattern(self, job_id: str) -> str:
        return self.files(job_id).result_pattern

    def log_file(self, job_id: str) -> Path:
        return self.folder(job_id) / "log.txt"

    def inputs_folder(self, job_id: str) -> Path:
        return self.files(job_id).inputs

    def input_file(self, job_id: str, entry: ManifestEntry) -> Path:
        pattern = self.files(job_id).input_pattern(entry.group, has_frames=entry.frame is not None)
        return frame_path(pattern, entry.frame or 0)

    def make_folders(self, job_id: str, groups: Collection[str], outputs: Transfer) -> None:
        """Make the folders that the job's files of these groups go to; none are needed when all files go by
        path.

        Raises:
            OSError: when that fails.
        """
        if not groups and outputs == "paths":
            return
        files = self.files(job_id)
        for group in groups:
            make_private_folder(files.inputs / group)
        if outputs == "streamed":
            make_private_folder(files.result)
            if not groups:  # else the first stored file syncs it
                self.sync_folders(job_id)

    def keep_text(self, job_id: str, content: bytes, text: bytes) -> None:
        """Write the text of a job that is too long for the store, so that it survives a power cut.
        ``content`` is the digest of what it says.

        Raises:
            OSError: when that fails.
        """
        files = self.files(job_id)
        make_private_folder(files.path)
        write_whole(files.text_file(content), text, 0o600)
        self.sync_folders(job_id)

    def remove_text(self, job_id: str, content: bytes) -> None:
        """Delete the text of a submission that is not this job. What cannot be deleted now stays."""
        with suppress(OSError):
            self.files(job_id).text_file(content).unlink(missing_ok=True)

    def sync_folders(self, job_id: str) -> None:
        """Return when the job's folders survive a power cut.

        Raises:
            OSError: when the disk fails.
        """
        for folder in (self.inputs_folder(job_id), self.folder(job_id), self.root, self.root.parent):
            if folder.is_dir():
                sync_folder(folder)

    def begun_inputs(self, job_id: str) -> dict[Path, int]:
        """Return input files that have begun to arrive: how many bytes there are, by the file's final
        path."""
        found: dict[Path, int] = {}
        with suppress(OSError):  # a power cut may have taken the folders, or they are not there yet
            for path in self.inputs_folder(job_id).glob(f"*/*{TEMPORARY_SUFFIX}"):
                found[path.with_name(path.name.removesuffix(TEMPORARY_SUFFIX))] = path.stat().st_size
        return found

    def remove_all(self, job_id: str) -> None:
        """Delete the job's folder with all that is in it. What cannot be deleted now stays."""
        shutil.rmtree(self.folder(job_id), ignore_errors=True)

    def remove_inputs(self, job_id: str) -> None:
        """Delete streamed inputs and the job's text. What cannot be deleted now stays."""
        files = self.files(job_id)
        shutil.rmtree(files.inputs, ignore_errors=True)
        for text in files.texts():
            with suppress(OSError):
                text.unlink(missing_ok=True)

    def remove_results(self, job_id: str) -> None:
        """Delete streamed outputs. What cannot be deleted now stays."""
        shutil.rmtree(self.files(job_id).result, ignore_errors=True)


@lru_cache(4096)
def _folder_name(job_id: str) -> str:
    return f"{job_id}-{hashlib.sha256(job_id.encode()).hexdigest()[:8]}"
