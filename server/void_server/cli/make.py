"""``void new``, ``void ingest``, ``void schema``: what a job is made of."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import typer

from void_engine.colour.primaries import REC709_CHROMATICITIES, REC709_SPACE
from void_engine.errors import PlateError
from void_engine.plates.exr import read_header
from void_engine.plates.header import FrameHeader
from void_engine.plates.pattern import FramePattern
from void_protocol.errors import JobFileError
from void_protocol.job import Format, Matte, Output, RemovalJob, Role, RotoShape, Settings, Shot
from void_protocol.job_file import job_schema, write_job

from .progress import StageProgress

_RANGE = re.compile(r"^(-?\d+)(?:-(-?\d+))?$")


def parse_range(text: str) -> tuple[int, int]:
    """``1001-1040`` or ``1001``, inclusive.

    Raises:
        typer.BadParameter: for anything else.
    """
    found = _RANGE.match(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a frame range; write 1001-1040")
    first = int(found[1])
    return first, int(found[2]) if found[2] is not None else first


def parse_matte(text: str, role: Role) -> Matte:
    """``pattern`` or ``pattern:channel``."""
    pattern, colon, channel = text.rpartition(":")
    if colon and pattern.lower().endswith(".exr"):
        return Matte(role=role, pattern=_absolute(pattern), channel=channel)
    return Matte(role=role, pattern=_absolute(text))


def _absolute(pattern: str) -> str:
    return str(Path(pattern).absolute())


def new(
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="The job file to write.")],
    plate: Annotated[str, typer.Option(help="Plate pattern, such as plate.%04d.exr.")],
    output: Annotated[str, typer.Option(help="Result pattern; {version} becomes v001.")],
    frames: Annotated[str | None, typer.Option(help="Range such as 1001-1040; default: all on disk.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Matte of what goes: PATTERN[:CHANNEL].")] = None,
    affected: Annotated[
        list[str] | None, typer.Option(help="Matte of what the object did to the scene: PATTERN[:CHANNEL].")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Matte of a hold-out: PATTERN[:CHANNEL].")] = None,
    quadmask: Annotated[
        str | None, typer.Option(help="A quadmask from 'void ingest --quadmask', instead of mattes.")
    ] = None,
    shapes: Annotated[Path | None, typer.Option(help="JSON file with a list of baked roto shapes.")] = None,
    engine: Annotated[str, typer.Option(help="auto, void, propagation or identity.")] = "auto",
    prompt: Annotated[str, typer.Option(help="What remains when the object is gone.")] = "",
    proxy: Annotated[float, typer.Option(help="1, 0.5, 0.25 or 0.125.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 42,
    colour_space: Annotated[
        str | None,
        typer.Option(help="The plate's scene-linear space in OCIO; default: as its primaries say."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Shot name; default: the plate's file name.")] = None,
) -> None:
    """Make a job file from a plate and mattes or shapes."""
    pattern = FramePattern.parse(_absolute(plate))
    first, last = parse_range(frames) if frames else _range_on_disk(pattern)
    header = read_header(pattern.path(first), first)
    width, height = header.display_size
    given: dict[Role, list[str]] = {
        "remove": remove or [],
        "affected": affected or [],
        "ignore": ignore or [],
    }
    if quadmask is not None:
        given["remove"].append(f"{quadmask}:remove")
        given["affected"].append(f"{quadmask}:affected")
    mattes = [parse_matte(text, role) for role, texts in given.items() for text in texts]
    job = RemovalJob(
        shot=Shot(
            name=name or re.split(r"[.%#]", Path(plate).name)[0].rstrip("_-") or "shot",
            plate=_absolute(plate),
            first_frame=first,
            last_frame=last,
            format=Format(width=width, height=height, pixel_aspect=header.pixel_aspect),
            colour_space=colour_space or _space_of(header),
        ),
        shapes=[] if shapes is None else _read_shapes(shapes),
        mattes=mattes,
        settings=Settings(engine=engine, prompt=prompt, proxy_scale=proxy, seed=seed),
        output=Output(pattern=_absolute(output)),
    )
    write_job(job, job_file)
    typer.echo(f"{job_file}: {job.shot.name}, {first}-{last}, {width}x{height}")


def _space_of(header: FrameHeader) -> str:
    """The space that a plate's chromaticities name; the configuration's own where there are none."""
    found = header.metadata.get("chromaticities")
    if isinstance(found, tuple) and np.allclose(found, REC709_CHROMATICITIES, atol=1e-3):
        return REC709_SPACE
    return "scene_linear"


def _range_on_disk(pattern: FramePattern) -> tuple[int, int]:
    if pattern.is_still:
        return 1, 1
    numbers = pattern.frames_on_disk()
    if not numbers:
        raise PlateError(f"{pattern}: no frame on disk; check the path, or give the range with --frames")
    return numbers[0], numbers[-1]


def _read_shapes(path: Path) -> list[RotoShape]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[RotoShape])
    except OSError as error:
        raise JobFileError(f"cannot read the shapes in {path}: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JobFileError(f"{path} is not a list of roto shapes: {error}") from error


def ingest(
    movie: Annotated[Path, typer.Argument(help="The movie to convert.")],
    pattern: Annotated[str, typer.Argument(help="EXR pattern to write, such as plate.%04d.exr.")],
    first: Annotated[int, typer.Option(help="Number of the first frame.")] = 1001,
    colour: Annotated[str, typer.Option(help="The movie's transfer function; see docs/colour.md.")] = "auto",
    quadmask: Annotated[
        bool, typer.Option("--quadmask", help="The movie is a quadmask: its code values are levels.")
    ] = False,
) -> None:
    """Turn a movie into scene-linear half-float EXR files."""
    from void_engine.plates.ingest import ingest_movie

    with StageProgress(movie.name) as bars:
        count = ingest_movie(
            movie,
            FramePattern.parse(_absolute(pattern)),
            first_frame=first,
            colour=colour,
            quadmask=quadmask,
            on_frame=lambda done, total: bars.update("ingest", done, total),
        )
    typer.echo(f"{count} frames in {pattern}, from {first}")


def schema() -> None:
    """Print the JSON Schema of a job."""
    typer.echo(json.dumps(job_schema(), indent=2))


def add_to(app: typer.Typer) -> None:
    """Register this family's commands."""
    app.command()(new)
    app.command()(ingest)
    app.command()(schema)
