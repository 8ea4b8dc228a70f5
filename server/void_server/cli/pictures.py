"""``void contact-sheet``: shows a job's plate, quadmask and result side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import typer

from void_engine.arrays import Float32Array, Uint8Array
from void_engine.contact_sheet import (
    PICTURE_ENDINGS,
    Column,
    SheetView,
    contact_sheet,
    difference_column,
    overlay_column,
    picture_column,
    save_picture,
)
from void_engine.geometry import Box
from void_engine.made_from import PROXY_SCALE_KEY, MadeFrom
from void_engine.mattes import ShotMattes
from void_engine.plates.exr.file import read_header
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.picture import resolve_picture
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.quadmask import build_quadmask
from void_engine.spread import evenly_spread
from void_protocol.job import PROXY_SCALES, RemovalJob
from void_protocol.job_file import read_job
from void_protocol.sequence import frame_path
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.frame_options import frames_in
from void_server.cli.job_overrides import JobOverrides, with_overrides
from void_server.cli.terminal import say
from void_server.cli.versions import free_version
from void_server.mattes.pictures import LEGEND, proposal_patterns, tinted, without_task
from void_server.translate import shot_mattes

_USUAL_ROWS = 5
_MOST_ROWS = 40


class JobPictures:
    """A job's pictures over the display window, for people to look at. It is used as a context."""

    def __init__(self, job: RemovalJob) -> None:
        self.is_removal = job.is_removal
        patterns = proposal_patterns(job)
        self._job = job = without_task(job)
        self._files = ExitStack()
        shot = job.shot
        self._plates = self._sequence(shot.plate, job.settings.proxy_scale)
        self._results = self._sequence(job.output.versioned_pattern)
        self._proposals = [self._sequence(pattern, job.settings.proxy_scale) for pattern in patterns]
        self.made = frozenset(frames_made(job))
        """The frames of the result that are on disk."""
        self._mattes: ShotMattes = shot_mattes(job, self._files)
        scale = job.settings.proxy_scale
        self._box = Box.from_size(math.ceil(shot.format.width * scale), math.ceil(shot.format.height * scale))

    def __enter__(self) -> JobPictures:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def _sequence(self, pattern: str, scale: float = 1.0) -> PlateSequence:
        shot = self._job.shot
        sequence = PlateSequence(pattern, shot.first_frame, shot.last_frame, scale=scale, read_ahead=0)
        return self._files.enter_context(sequence)

    def plate(self, number: int) -> Float32Array:
        return self._picture(self._plates.frame(number))

    def result(self, number: int) -> Float32Array:
        """Return a frame of the result; black where it is not made yet."""
        if number not in self.made:
            return np.zeros((*self._box.shape, 3), np.float32)
        return self._picture(self._results.frame(number))

    def _picture(self, frame: Frame) -> Float32Array:
        shot = self._job.shot
        return frame.read_channels(resolve_picture(frame.header, shot.view, shot.layer).rgb, self._box)

    def quadmask(self, number: int) -> Uint8Array:
        """Return the quadmask as the artist drew it, not snapped to the model's grid."""
        roles = self._mattes.at(number, self._box)
        return build_quadmask(roles.remove, roles.affected, is_first_frame=False, snap=False)

    def _proposed(self, number: int, view: SheetView) -> Float32Array:
        """Return the plate with what is proposed on it, by kind."""
        picture = view.show(self.plate(number))
        for frames in self._proposals:
            if frames.pattern.path(number).exists():
                picture = tinted(picture, frames.frame(number), self._box)
        return picture

    @property
    def has_proposal(self) -> bool:
        """Whether some of the job's mattes, or its result, are a proposal."""
        return bool(self._proposals)

    def other(self, pattern: str) -> Column:
        """Return one more column, such as the truth, from frames of the full size."""
        frames = self._sequence(pattern, self._job.settings.proxy_scale)
        return picture_column("truth", lambda number: frames.frame(number).read_rgb(self._box))

    def columns(self, *, difference: bool) -> list[Column]:
        """Return the columns: plate, what is proposed, quadmask over plate, result and, if asked for, their
        difference; only those that there are."""
        columns = [picture_column("plate", self.plate)]
        if self._proposals:
            columns.append(Column("proposed", self._proposed))
        columns.append(overlay_column("quadmask", self.plate, self.quadmask))
        if not self.is_removal:
            return columns
        columns.append(picture_column("result", self.result))
        if difference:
            columns.append(difference_column("difference x4", self.plate, self.result))
        return columns


def frames_made(job: RemovalJob) -> list[int]:
    """Return the frames of the result that are on disk, in order."""
    pattern = job.output.versioned_pattern
    return [number for number in job.shot.frame_numbers if frame_path(pattern, number).exists()]


def as_on_disk(job: RemovalJob) -> RemovalJob:
    """Return the job with the version that its last run wrote, and at the scale that its frames were made at,
    which is smaller while only a proxy is there."""
    settled = free_version(job, _by_id, tell=False)
    made = frames_made(settled)
    if not made:
        settled, made = job, frames_made(job)
    if not made:
        return job
    header = read_header(frame_path(settled.output.versioned_pattern, made[0]), made[0])
    scale = header.metadata.get(PROXY_SCALE_KEY)
    if not isinstance(scale, float) or scale not in PROXY_SCALES:
        return settled
    settings = msgspec.structs.replace(settled.settings, proxy_scale=scale)
    return msgspec.structs.replace(settled, settings=settings)


def _by_id(job: RemovalJob) -> Callable[[MadeFrom], bool]:
    return lambda maker: maker.job_id == job.job_id


def require_picture_name(path: Path, option: str) -> None:
    """Refuse a name that a sheet cannot be saved by.

    Raises:
        typer.BadParameter: which names ``option`` and the endings that there are.
    """
    if path.suffix.lower() not in PICTURE_ENDINGS:
        raise typer.BadParameter(f"give a name that ends in {', '.join(PICTURE_ENDINGS)}", param_hint=option)


def write_sheet(
    job: RemovalJob,
    path: Path,
    frames: Sequence[int],
    *,
    difference: bool = False,
    truth: str | None = None,
    exposure_stops: float = 0.0,
    notes: Sequence[str] = (),
) -> None:
    """Draw a job's contact sheet as a picture. Its title says how much of the result is there, and whether it
    is a proxy.

    Raises:
        EngineError: when a picture cannot be read or the sheet cannot be written.
    """
    with JobPictures(job) as pictures:
        columns = pictures.columns(difference=difference)
        if truth is not None:
            columns.append(pictures.other(truth))
        sheet = contact_sheet(
            columns,
            frames,
            title=_title(job, len(pictures.made)),
            notes=[*notes, LEGEND] if pictures.has_proposal else notes,
            pixel_aspect=job.shot.format.pixel_aspect,
            view=SheetView(exposure_stops=exposure_stops),
        )
    save_picture(path, sheet)


def _title(job: RemovalJob, made: int) -> str:
    parts = [job.shot.name, Path(job.output.versioned_pattern).name]
    if job.settings.proxy_scale < 1.0:
        parts.append(f"PROXY 1/{round(1 / job.settings.proxy_scale)}")
    total = len(job.shot.frame_numbers)
    if made < total:
        parts.append(f"{made} of {total} frames made")
    return "  ".join(parts)


def sheet_command(
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="A job that has run, or still does.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The picture to write: .png, .jpg, .tif or .webp.")
    ],
    frames: Annotated[
        str | None,
        typer.Option(help="Frames to show, such as 1001-1040x10,1055; default: those that are made."),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(
            help=f"How many frames to show; default: {_USUAL_ROWS}, or all that --frames names.",
            min=1,
            max=_MOST_ROWS,
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(help="Output version; default: what the last run wrote.", min=1),
    ] = None,
    proxy: Annotated[
        float | None, typer.Option(help="The scale of the result; default: what its frames say.")
    ] = None,
    difference: Annotated[bool, typer.Option("--difference", help="Add a difference column.")] = False,
    exposure: Annotated[float, typer.Option(help="Exposure of the sheet in stops.")] = 0.0,
) -> None:
    """Show a job's plate, quadmask and result side by side, also while the result is being made.

    Example: void contact-sheet job.json -o sheet.jpg --rows 12
    """
    require_picture_name(output, "--output")
    job = with_overrides(read_job(job_file), JobOverrides(version=version, proxy=proxy))
    if version is None and proxy is None:
        job = as_on_disk(job)
    made = frames_made(job)
    if not made:
        raise CommandError(
            f"no frame of {job.output.versioned_pattern} is there yet; run the job first, or name another "
            "--version",
            ExitCode.BAD_INPUT,
        )
    numbers: Sequence[int] = made
    if frames is not None:
        numbers = frames_in(job, frames)
    count = rows or (min(len(numbers), _MOST_ROWS) if frames is not None else _USUAL_ROWS)
    write_sheet(job, output, evenly_spread(numbers, count), difference=difference, exposure_stops=exposure)
    say(f"contact sheet: {output}")


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    app.command("contact-sheet")(sheet_command)
