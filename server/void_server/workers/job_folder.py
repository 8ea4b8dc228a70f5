"""The names of the files in a job's own folder in the spool, which the server and its workers must agree on.

::

    job-<digest>.json                     a long job's text
    inputs/plate/plate.0001001.exr        streamed inputs
    result/result.0001001.exr             streamed outputs

No name comes from a client.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from void_protocol.job import RemovalJob
from void_protocol.messages import Transfer
from void_protocol.sequence import has_frame_token
from void_server.access.places import Places

_NUMBER = "%07d"


@dataclass(frozen=True)
class JobFolder:
    """One job's folder."""

    path: Path

    @property
    def inputs(self) -> Path:
        """The folder of all streamed inputs; each group of files has a folder in it."""
        return self.path / "inputs"

    @property
    def result(self) -> Path:
        """The folder of streamed outputs."""
        return self.path / "result"

    def text_file(self, content: bytes) -> Path:
        """The file that holds the job's text when it is too long for the store. It is named by the digest of
        what it says, so that another submission of the same id cannot replace it."""
        return self.path / f"job-{content.hex()[:32]}.json"

    def texts(self) -> list[Path]:
        """Return the texts that are here."""
        return list(self.path.glob("job-*.json"))

    @property
    def result_pattern(self) -> str:
        return str(self.result / f"result.{_NUMBER}.exr")

    def input_pattern(self, group: str, *, has_frames: bool) -> str:
        name = f"{group}.{_NUMBER}.exr" if has_frames else f"{group}.exr"
        return str(self.inputs / group / name)


@dataclass(frozen=True)
class LocalJob:
    """A job as its worker runs it, and the folders that the worker may use for it."""

    job: RemovalJob
    """The job with the pattern of every file as it lies on this machine."""
    read_folders: frozenset[Path]
    """The folders whose files may be read."""
    output_folder: Path
    """The folder whose files may be written."""


def local_job(
    job: RemovalJob, folder: JobFolder, inputs: Transfer, outputs: Transfer, places: Places
) -> LocalJob:
    """Give a job the patterns of its files on this machine: those in its own folder where files are
    streamed, and the resolved ones where they go by path."""
    if inputs == "streamed":
        plate = folder.input_pattern("plate", has_frames=True)
        mattes = [
            folder.input_pattern(f"matte.{index}", has_frames=has_frame_token(matte.pattern))
            for index, matte in enumerate(job.mattes)
        ]
        anchors = folder.input_pattern("anchors", has_frames=True)
    else:
        plate, mattes, anchors = places.plate, places.mattes, places.anchors
    output = folder.result_pattern if outputs == "streamed" else places.output
    local = msgspec.structs.replace(
        job,
        shot=msgspec.structs.replace(job.shot, plate=plate),
        mattes=[
            msgspec.structs.replace(matte, pattern=pattern)
            for matte, pattern in zip(job.mattes, mattes, strict=True)
        ],
        anchors=None if job.anchors is None else msgspec.structs.replace(job.anchors, pattern=anchors),
        output=msgspec.structs.replace(job.output, pattern=output),
    )
    used = [plate, *mattes, output, *([anchors] if job.anchors is not None else [])]
    return LocalJob(
        job=local,
        read_folders=frozenset(Path(each).parent for each in used) | set(map(Path, places.linked_folders)),
        output_folder=Path(output).parent,
    )
