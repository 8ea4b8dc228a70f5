"""``void new``, ``void ingest`` and ``void schema``: makes jobs, and plates for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from void_engine.plates.sequence.pattern import FramePattern
from void_protocol.errors import JobFileError
from void_protocol.job import RotoShape, Settings
from void_protocol.job_file import job_schema, write_job
from void_server.cli.frame_options import range_option
from void_server.cli.progress import StageProgress
from void_server.shot_files import ShotFiles, absolute_pattern, job_from_files


def new(
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="The job file to write.")],
    plate: Annotated[str, typer.Option(help="Plate pattern, such as plate.%04d.exr.")],
    output: Annotated[str, typer.Option(help="Result pattern; {version} becomes v001.")],
    frames: Annotated[str | None, typer.Option(help="Range such as 1001-1040; default: all on disk.")] = None,
    remove: Annotated[
        list[str] | None, typer.Option(help="Matte of what to remove: PATTERN[:CHANNEL].")
    ] = None,
    affected: Annotated[
        list[str] | None, typer.Option(help="Matte of what the object did to the scene: PATTERN[:CHANNEL].")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Matte of a hold-out: PATTERN[:CHANNEL].")] = None,
    quadmask: Annotated[
        str | None, typer.Option(help="A quadmask from 'void ingest --quadmask', instead of mattes.")
    ] = None,
    shapes: Annotated[Path | None, typer.Option(help="JSON file with a list of baked roto shapes.")] = None,
    engine: Annotated[str, typer.Option(help="auto, or an engine that 'void engines' lists.")] = "auto",
    prompt: Annotated[str, typer.Option(help="What remains when the object is gone.")] = "",
    proxy: Annotated[float, typer.Option(help="Scale: 1, 0.5, 0.25 or 0.125.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 42,
    colour_space: Annotated[
        str | None,
        typer.Option(help="The plate's scene-linear space in OCIO; default: from its primaries."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Shot name; default: the plate's file name.")] = None,
) -> None:
    """Make a job file from a plate and mattes or shapes."""
    job = job_from_files(
        ShotFiles(
            plate=plate,
            output=output,
            frames=range_option(frames),
            remove=tuple(remove or ()),
            affected=tuple(affected or ()),
            ignore=tuple(ignore or ()),
            quadmask=quadmask,
            shapes=tuple([] if shapes is None else _read_shapes(shapes)),
            settings=Settings(engine=engine, prompt=prompt, proxy_scale=proxy, seed=seed),
            colour_space=colour_space,
            name=name,
        )
    )
    write_job(job, job_file)
    shot, size = job.shot, job.shot.format
    typer.echo(f"{job_file}: {shot.name}, {shot.first_frame}-{shot.last_frame}, {size.width}x{size.height}")


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
    from void_engine.plates.movie.ingest import ingest_movie

    with StageProgress(movie.name) as bars:
        count = ingest_movie(
            movie,
            FramePattern.parse(absolute_pattern(pattern)),
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
    """Add this family's commands to ``app``."""
    app.command()(new)
    app.command()(ingest)
    app.command()(schema)
