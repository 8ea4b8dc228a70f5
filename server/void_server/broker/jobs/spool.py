"""Where the files of a job lie in the server's home, and the job with these files' paths for the worker.

::

    jobs/<job id>-<digest>/log.txt
    jobs/<job id>-<digest>/inputs/plate/plate.0001001.exr      streamed inputs
    jobs/<job id>-<digest>/result/result.0001001.exr           streamed outputs

No name comes from a client. The folder is named by the job's checked id, with a digest because some file
systems take ``A`` for ``a`` and refuse ``con``.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from void_protocol.durable import sync_folder
from void_protocol.job import RemovalJob
from void_protocol.messages import ManifestEntry, Transfer
from void_protocol.private_folders import make_private_folder
from void_protocol.sequence import frame_path, has_frame_token

_NUMBER = "%07d"
TEMPORARY_SUFFIX = ".part"
"""The name of an input file ends with this until the file is whole."""


class Spool:
    """The folders of all jobs below one home."""

    def __init__(self, home: Path) -> None:
        self.root = home / "jobs"

    def prepare(self) -> None:
        """Make the folder of all jobs, for the server alone.

        Raises:
            OSError: when it cannot be made.
            KeyFileError: when others may write to it.
        """
        make_private_folder(self.root, closed=True)

    def folder(self, job_id: str) -> Path:
        return self.root / _folder_name(job_id)

    def log_file(self, job_id: str) -> Path:
        return self.folder(job_id) / "log.txt"

    def inputs_folder(self, job_id: str) -> Path:
        return self.folder(job_id) / "inputs"

    def result_pattern(self, job_id: str) -> str:
        return str(self.folder(job_id) / "result" / f"result.{_NUMBER}.exr")

    def input_pattern(self, job_id: str, group: str, *, has_frames: bool) -> str:
        name = f"{group}.{_NUMBER}.exr" if has_frames else f"{group}.exr"
        return str(self.inputs_folder(job_id) / group / name)

    def input_file(self, job_id: str, entry: ManifestEntry) -> Path:
        pattern = self.input_pattern(job_id, entry.group, has_frames=entry.frame is not None)
        return frame_path(pattern, entry.frame or 0)

    def make_folders(self, job_id: str, entries: Sequence[ManifestEntry], outputs: Transfer) -> None:
        """Make the folders that the job's files go to; none are needed when all files go by path.

        Raises:
            OSError: when that fails.
        """
        if not entries and outputs == "paths":
            return
        make_private_folder(self.folder(job_id))
        for group in {entry.group for entry in entries}:
            make_private_folder(self.inputs_folder(job_id) / group)
        if outputs == "streamed":
            make_private_folder(Path(self.result_pattern(job_id)).parent)
            if not entries:  # else the first stored file syncs it
                self.sync_folders(job_id)

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
        unfinished = self.inputs_folder(job_id).glob(f"*/*{TEMPORARY_SUFFIX}")
        return {
            path.with_name(path.name.removesuffix(TEMPORARY_SUFFIX)): path.stat().st_size
            for path in unfinished
        }

    def remove_all(self, job_id: str) -> None:
        """Delete the job's folder with all that is in it. What cannot be deleted now stays."""
        shutil.rmtree(self.folder(job_id), ignore_errors=True)

    def remove_inputs(self, job_id: str) -> None:
        """Delete streamed inputs. What cannot be deleted now stays."""
        shutil.rmtree(self.inputs_folder(job_id), ignore_errors=True)

    def remove_results(self, job_id: str) -> None:
        """Delete streamed outputs. What cannot be deleted now stays."""
        shutil.rmtree(Path(self.result_pattern(job_id)).parent, ignore_errors=True)

    def result_file(self, job: RemovalJob, outputs: Transfer, frame: int) -> Path:
        """Return where a frame of the result is on this machine."""
        pattern = self.result_pattern(job.job_id) if outputs == "streamed" else job.output.versioned_pattern
        return frame_path(pattern, frame)

    def local_job(self, job: RemovalJob, inputs: Transfer, outputs: Transfer) -> RemovalJob:
        """Return the job with every streamed pattern replaced by that of the spooled files."""
        if inputs == "streamed":
            anchors = job.anchors
            if anchors is not None:
                pattern = self.input_pattern(job.job_id, "anchors", has_frames=True)
                anchors = msgspec.structs.replace(anchors, pattern=pattern)
            job = msgspec.structs.replace(
                job,
                shot=msgspec.structs.replace(
                    job.shot, plate=self.input_pattern(job.job_id, "plate", has_frames=True)
                ),
                mattes=[
                    msgspec.structs.replace(
                        matte,
                        pattern=self.input_pattern(
                            job.job_id, f"matte.{index}", has_frames=has_frame_token(matte.pattern)
                        ),
                    )
                    for index, matte in enumerate(job.mattes)
                ],
                anchors=anchors,
            )
        if outputs == "streamed":
            output = msgspec.structs.replace(job.output, pattern=self.result_pattern(job.job_id))
            job = msgspec.structs.replace(job, output=output)
        return job


@lru_cache(4096)
def _folder_name(job_id: str) -> str:
    return f"{job_id}-{hashlib.sha256(job_id.encode()).hexdigest()[:8]}"
