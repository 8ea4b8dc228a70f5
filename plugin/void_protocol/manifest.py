"""Lists the input files that a job needs, in the order in which client and server number them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from void_protocol.errors import TransferError
from void_protocol.frame_list import describe_frames
from void_protocol.job import RemovalJob
from void_protocol.messages import ManifestEntry
from void_protocol.sequence import frame_path, has_frame_token


class InputFile(NamedTuple):
    """One file that a job reads: its group (such as ``plate``), its frame number and its path."""

    group: str
    frame: int | None
    path: Path


def input_files(job: RemovalJob) -> Iterator[InputFile]:
    """Yield the plate's frames, then each matte's, then the anchors. A matte without a frame token is one
    file, with frame None."""
    for frame in job.shot.frame_numbers:
        yield InputFile("plate", frame, frame_path(job.shot.plate, frame))
    for index, matte in enumerate(job.mattes):
        group = f"matte.{index}"
        if not has_frame_token(matte.pattern):
            yield InputFile(group, None, Path(matte.pattern))
            continue
        for frame in job.shot.frame_numbers:
            yield InputFile(group, frame, frame_path(matte.pattern, frame))
    if job.anchors is not None:
        for frame in sorted(set(job.anchors.frames)):
            yield InputFile("anchors", frame, frame_path(job.anchors.pattern, frame))


def measure_inputs(files: Sequence[InputFile]) -> list[ManifestEntry]:
    """Make the manifest of ``files``, with their sizes on this machine's disks.

    Raises:
        TransferError: when files are missing or are not regular files; it names group and frames.
    """
    entries: list[ManifestEntry] = []
    missing: dict[str, list[InputFile]] = {}
    for file in files:
        try:
            size = file.path.stat().st_size
        except FileNotFoundError:
            missing.setdefault(file.group, []).append(file)
            continue
        except OSError as error:
            raise TransferError(f"cannot read {file.path}: {error.strerror or error}") from error
        if not file.path.is_file():
            raise TransferError(f"{file.path} is not a file; the job needs one there ({file.group})")
        entries.append(ManifestEntry(file.group, file.frame, size))
    if missing:
        raise TransferError("\n".join(_missing_text(group, files) for group, files in missing.items()))
    return entries


def _missing_text(group: str, files: list[InputFile]) -> str:
    frames = describe_frames([file.frame for file in files if file.frame is not None])
    where = f" for {frames}" if files[0].frame is not None else ""
    return f"{group} has no file{where} (looked for {files[0].path}); render it or change the frame range"
