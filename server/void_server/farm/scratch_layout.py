"""Says where the steps of a job leave files for each other: in a scratch folder that all machines see."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from msgspec import Struct

from void_engine.engines.interface import Engine, Monitor
from void_engine.geometry import Box
from void_engine.growth import decided
from void_engine.made_from import InputFiles, is_empty
from void_engine.mattes import MatteFiles, MatteRole, ShotMattes
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.removal import shot_source
from void_engine.removal_request import RemovalRequest
from void_engine.shot import PlateShot
from void_protocol.durable import make_folder, write_whole
from void_protocol.job_file import encode_job
from void_server.farm.errors import FarmError
from void_server.farm.plan_file import JobPiece
from void_server.translate import removal_request, warm_engine

_NAME_LENGTH = 12
"""How many digits of a content's hash name its folder."""
_CHECKED_NAME = re.compile(r"(-?\d+)_(-?\d+)")
ROLES: tuple[MatteRole, ...] = ("remove", "affected", "ignore")


class Prepared(Struct, frozen=True, kw_only=True):
    """What the preparation found out about a shot, once for all its parts."""

    engine: str
    box: tuple[int, int, int, int]
    """The region of interest as ``x0, y0, x1, y1``."""
    frame_box: tuple[int, int, int, int]
    pixel_aspect: float
    roles: list[str]
    """The roles that have matte files in the scratch folder."""
    growth_px: float | None = None
    """The measured growth of the mattes, in pixels of the full-size plate; None where the job says it."""


@dataclass(frozen=True)
class ScratchLayout:
    """The files that a job's steps keep for each other, made from one content of its plates and mattes.

    They lie in a folder named by that content, inside a folder named by the job. The job's folder also
    remembers which content goes with which stamp of the files, so that the steps need not read all files
    again, and which frames of the result have been checked.
    """

    folder: Path

    @classmethod
    def of(cls, piece: JobPiece, scratch: Path, inputs: InputFiles) -> ScratchLayout:
        """Return the layout for the job as it was submitted, and for the content that its files have now.

        Raises:
            PlateError: when a file cannot be read.
            RemovalCancelled: when the monitor of ``inputs`` asks for a stop.
        """
        return cls(_job_folder(piece, scratch) / inputs.content()[:_NAME_LENGTH])

    @property
    def shared(self) -> Path:
        """The folder in which the engine keeps what all its parts share."""
        return self.folder / "shared"

    def mattes(self, role: MatteRole) -> FramePattern:
        """Return the prepared mattes of a role, at the scale of the work."""
        return FramePattern.parse(self.folder / "mattes" / f"{role}.%04d.exr")

    def clean(self, start: int) -> FramePattern:
        """Return the engine's answers in the part that begins at ``start``."""
        return FramePattern.parse(self.folder / "clean" / str(start) / "clean.%04d.exr")

    def is_made(self, start: int, number: int) -> bool:
        """Whether the part that begins at ``start`` has made frame ``number``."""
        path = self.clean(start).path(number)
        return path.exists() and not is_empty(path)

    def save_checked(self, frames: range) -> None:
        """Remember that a run of frames of the result is good."""
        make_folder(self._checked)
        write_whole(self._checked / f"{frames[0]}_{frames[-1]}", b"")

    def checked(self) -> frozenset[int]:
        """Return the frames of the result that were found good."""
        good: set[int] = set()
        with suppress(OSError):
            for mark in self._checked.iterdir():
                if (found := _CHECKED_NAME.fullmatch(mark.name)) is not None:
                    good.update(range(int(found[1]), int(found[2]) + 1))
        return frozenset(good)

    def verdict(self, frames: range) -> Path:
        """Return the file with the verdict on a run of frames of the result."""
        return self._checked / f"{frames[0]}_{frames[-1]}.check.json"

    def verdicts(self) -> list[Path]:
        """Return the files with verdicts that are there, in the order of their names."""
        return sorted(self._checked.glob("*.check.json"))

    def clear(self) -> None:
        """Delete what only unfinished work needs, also what was made from an earlier content of the files."""
        for entry in self.folder.parent.iterdir():
            if len(entry.name) == _NAME_LENGTH:
                shutil.rmtree(entry, ignore_errors=True)

    @property
    def _checked(self) -> Path:
        return self.folder.with_name(f"checked_{self.folder.name}")

    @property
    def _prepared(self) -> Path:
        return self.folder / "prepared.json"

    @property
    def is_prepared(self) -> bool:
        return self._prepared.is_file()

    def save_prepared(self, found: Prepared) -> None:
        """Write, last of all, that the preparation is whole."""
        make_folder(self.folder)
        write_whole(self._prepared, msgspec.json.encode(found))

    def prepared(self) -> Prepared:
        """Return what the preparation found.

        Raises:
            FarmError: when that step was not run.
        """
        try:
            return msgspec.json.decode(self._prepared.read_bytes(), type=Prepared)
        except (OSError, msgspec.DecodeError) as error:
            raise FarmError(
                f"{self._prepared} cannot be read ({error}); run the step 'prepare' first, with the same "
                "--scratch on storage that all machines see. Where it was run, the plate or a matte has "
                "changed since: run it again, and the steps after it"
            ) from error

    def save_record(self, start: int, record: dict[str, str | int | float]) -> None:
        """Save what the engine says a part was made with."""
        make_folder(self._record(start).parent)
        write_whole(self._record(start), json.dumps(record).encode())

    def record(self, start: int) -> dict[str, str | int | float]:
        """Return what :meth:`save_record` saved for a part; empty when there is nothing."""
        try:
            return dict(json.loads(self._record(start).read_bytes()))
        except FileNotFoundError:
            return {}

    def _record(self, start: int) -> Path:
        return self.folder / "clean" / str(start) / "record.json"


def fingerprint(piece: JobPiece) -> str:
    """Identify the job as it was submitted: the same on every machine, whatever its paths are called
    there."""
    return hashlib.sha256(encode_job(piece.job)).hexdigest()


def _job_folder(piece: JobPiece, scratch: Path) -> Path:
    return scratch / f"{piece.job.job_id}_{fingerprint(piece)[:_NAME_LENGTH]}"


def save_failure(piece: JobPiece, scratch: Path, reason: str) -> None:
    """Remember why a shot has failed, for the step that tells it at the end; the first reason counts."""
    path = _failure(piece, scratch)
    if not path.exists():
        make_folder(path.parent)
        write_whole(path, reason.encode())


def failure_of(piece: JobPiece, scratch: Path) -> str:
    """Return why a shot has failed in an earlier step; empty when it has not."""
    try:
        return _failure(piece, scratch).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def forget_failure(piece: JobPiece, scratch: Path) -> None:
    """Forget why a shot has failed, because it is tried again from the beginning."""
    _failure(piece, scratch).unlink(missing_ok=True)


def _failure(piece: JobPiece, scratch: Path) -> Path:
    return _job_folder(piece, scratch) / "failure.txt"


def inputs_of(piece: JobPiece, request: RemovalRequest, scratch: Path, monitor: Monitor) -> InputFiles:
    """Return the files that the job reads. What one machine has read of them need not be read by the next
    one, where both see the same files."""
    return request.input_files(monitor, _job_folder(piece, scratch) / "inputs")


def request_of(piece: JobPiece, files: ExitStack) -> RemovalRequest:
    """Return the removal that a piece of work belongs to, with this machine's paths."""
    request = removal_request(piece.local_job, files, engine_name=piece.planned.engine, resume=True)
    return replace(request, fingerprint=fingerprint(piece))


def engine_of(piece: JobPiece) -> Engine:
    """Return the job's engine: one object for all jobs of a process, so that a model is loaded once."""
    return warm_engine(piece.planned.engine)


def with_prepared_mattes(
    request: RemovalRequest, place: ScratchLayout, found: Prepared, files: ExitStack
) -> RemovalRequest:
    """Return the request with the prepared mattes in place of shapes and matte files."""
    numbers = request.plates.frame_numbers
    mattes = [
        MatteFiles(
            role=role,
            frames=files.enter_context(PlateSequence(place.mattes(role), numbers[0], numbers[-1])),
            channel="A",
        )
        for role in ROLES
        if role in found.roles
    ]
    return replace(request, mattes=ShotMattes(files=mattes, scale=request.mattes.scale))


def prepared_shot(request: RemovalRequest, found: Prepared) -> PlateShot:
    """Return the shot as every part sees it."""
    shot = shot_source(request, Box(*found.box), Box(*found.frame_box), found.pixel_aspect)
    return shot if found.growth_px is None else decided(shot, found.growth_px)
