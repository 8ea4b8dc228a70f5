"""``void new``, ``void ingest`` and ``void schema``: makes jobs, and plates for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Meta

from void_engine.plates.sequence.pattern import FramePattern
from void_protocol.errors import JobFileError
from void_protocol.job import AUTO_GROWTH, MatteSettings, RemovalJob, Role, RotoShape, Settings, new_job_id
from void_protocol.job_file import job_schema, write_job
from void_protocol.view_pattern import result_for_view
from void_server.cli.declared_options import with_options
from void_server.cli.frame_options import range_option
from void_server.cli.job_overrides import growth_of, options_of
from void_server.cli.progress import StageProgress
from void_server.cli.terminal import say
from void_server.settings.declaration import DeclaredSettings, option
from void_server.shot_files import ShotFiles, absolute_pattern, job_from_files


@dataclass(frozen=True, kw_only=True)
class ShotOptions(DeclaredSettings):
    """Where the files of a new job's shot are."""

    plate: Annotated[
        str | None,
        Meta(description="Plate pattern, such as plate.%04d.exr."),
        option("--plate", otherwise="what feeds the roto node of --script"),
    ] = None
    output: Annotated[
        str | None,
        Meta(description="Result pattern; {version} becomes v001."),
        option("--output", otherwise="clean/NAME_clean_{version}.%04d.exr beside the job"),
    ] = None
    frames: Annotated[
        str | None, Meta(description="Range such as 1001-1040."), option("--frames", otherwise="all on disk")
    ] = None
    remove: Annotated[
        tuple[str, ...],
        Meta(description="Matte of what to remove: PATTERN[:CHANNEL]; with --script also shapes by name."),
        option("--remove"),
    ] = ()
    affected: Annotated[
        tuple[str, ...],
        Meta(description="Matte, or shapes, of what the object did to the scene."),
        option("--affected"),
    ] = ()
    ignore: Annotated[
        tuple[str, ...], Meta(description="Matte, or shapes, of a hold-out."), option("--ignore")
    ] = ()
    quadmask: Annotated[
        str | None,
        Meta(description="A quadmask from 'void ingest --quadmask', instead of mattes."),
        option("--quadmask"),
    ] = None
    shapes: Annotated[
        Path | None, Meta(description="JSON file with a list of baked roto shapes."), option("--shapes")
    ] = None
    colour_space: Annotated[
        str | None,
        Meta(description="The plate's scene-linear space in OCIO."),
        option("--colour-space", otherwise="from its primaries"),
    ] = None
    view: Annotated[
        str,
        Meta(
            description="The stereo view of plate and shapes; %V and %v in patterns become its name. "
            "Several, with commas between, make a job for each: JOB_left.json, JOB_right.json."
        ),
        option("--view", otherwise="the first"),
    ] = ""
    layer: Annotated[
        str,
        Meta(description="The plate's layer with the picture."),
        option("--layer", otherwise="R, G, B, or the one called beauty, C, Combined"),
    ] = ""
    name: Annotated[
        str | None, Meta(description="Shot name."), option("--name", otherwise="the plate's file name")
    ] = None

    def files(self, settings: Settings, *, shapes_by_name: bool) -> ShotFiles:
        """The files, with what to do with them. Plate and output are empty where they are not given.

        Args:
            settings: what the job asks of the engine.
            shapes_by_name: whether roles name shapes, so that only what ends with ``.exr`` is a matte.

        Raises:
            JobFileError: when the shapes cannot be read.
        """
        remove, affected, ignore = (
            tuple(text for text in texts if not shapes_by_name or _is_matte(text))
            for texts in (self.remove, self.affected, self.ignore)
        )
        return ShotFiles(
            plate=self.plate or "",
            output=self.output or "",
            frames=range_option(self.frames),
            remove=remove,
            affected=affected,
            ignore=ignore,
            quadmask=self.quadmask,
            shapes=() if self.shapes is None else _read_shapes(self.shapes),
            settings=settings,
            colour_space=self.colour_space,
            name=self.name,
            layer=self.layer,
        )

    @property
    def views(self) -> list[str]:
        """The views that are named, each once."""
        return list(dict.fromkeys(view.strip() for view in self.view.split(",") if view.strip()))


@dataclass(frozen=True, kw_only=True)
class RotoOptions(DeclaredSettings):
    """Where a new job's shapes are, when another program holds them."""

    script: Annotated[
        Path | None,
        Meta(description="Nuke script, Silhouette or Natron file that holds the shapes."),
        option("--script"),
    ] = None
    roto: Annotated[
        str | None, Meta(description="The roto node in it."), option("--roto", otherwise="the only one")
    ] = None


@dataclass(frozen=True, kw_only=True)
class RemovalOptions(DeclaredSettings):
    """What a new job asks of the engine."""

    engine: Annotated[
        str, Meta(description="auto, or an engine that 'void engines' lists."), option("--engine")
    ] = "auto"
    prompt: Annotated[str, Meta(description="What remains when the object is gone."), option("--prompt")] = ""
    proxy: Annotated[float, Meta(description="Scale: 1, 0.5, 0.25 or 0.125."), option("--proxy")] = 1.0
    seed: Annotated[int, Meta(description="Seed of everything random."), option("--seed")] = 42
    grow: Annotated[
        str,
        Meta(description="Pixels by which the mattes grow, or auto: as far as the plate needs it."),
        option("--grow"),
    ] = AUTO_GROWTH
    engine_options: Annotated[
        str | None,
        Meta(description="Options of the engine (void engines NAME lists them): NAME=VALUE,NAME=VALUE."),
        option("--engine-option"),
    ] = None


@with_options
def new(
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="The job file to write.")],
    shot_options: ShotOptions,
    roto_options: RotoOptions,
    removal: RemovalOptions,
) -> None:
    """Make a job file from a plate and mattes or shapes, or from the roto shapes of a Nuke script.

    Example: void new job.json --script shot.nk --roto Roto3 --remove 'ball*' --affected 'shadow*'
    """
    settings = Settings(
        engine=removal.engine,
        prompt=removal.prompt,
        proxy_scale=removal.proxy,
        seed=removal.seed,
        matte=MatteSettings(growth_px=growth_of(removal.grow)),
        engine_options={} if removal.engine_options is None else dict(options_of(removal.engine_options)),
    )
    if roto_options.script is None:
        if roto_options.roto is not None:
            raise typer.BadParameter("it chooses in a script; name that with --script", param_hint="--roto")
        if not shot_options.plate:
            raise typer.BadParameter("give the plate's pattern, or --script", param_hint="--plate")
    files = shot_options.files(settings, shapes_by_name=roto_options.script is not None)
    made: list[tuple[Path, RemovalJob]] = []
    views = shot_options.views
    together = new_job_id()[:8] if len(views) > 1 else ""
    chosen: list[str | None] = [*views] or [None]
    for view in chosen:
        own_file = job_file.with_stem(f"{job_file.stem}_{view}") if together else job_file
        own = replace(_with_output(files, job_file), view=view)
        if together and view is not None:
            own = replace(own, output=result_for_view(own.output, view))
        if roto_options.script is None:
            job = job_from_files(own)
        else:
            job = _from_roto(roto_options.script, roto_options, shot_options, own)
        made.append((own_file, msgspec.structs.replace(job, together=together)))
    for path, job in made:  # None is written unless all could be made.
        write_job(job, path)
        shot, size = job.shot, job.shot.format
        which = f"{shot.name}, {shot.view}" if views else shot.name
        say(f"{path}: {which}, {shot.first_frame}-{shot.last_frame}, {size.width}x{size.height}")


def _from_roto(script: Path, roto: RotoOptions, shot: ShotOptions, files: ShotFiles) -> RemovalJob:
    from void_server.roto_shots import RotoWanted, job_from_roto

    roles: dict[Role, tuple[str, ...]] = {
        "remove": _shape_names(shot.remove),
        "affected": _shape_names(shot.affected),
        "ignore": _shape_names(shot.ignore),
    }
    wanted = RotoWanted(file=script, node=roto.roto, view=files.view, roles=roles)
    made = job_from_roto(wanted, files)
    for remark in made.remarks:
        say(remark, to_stderr=True)
    return made.job


def _shape_names(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if not _is_matte(text))


def _is_matte(text: str) -> bool:
    """Return whether the value of a role is a matte's pattern rather than the name of shapes."""
    pattern, colon, _ = text.rpartition(":")
    return text.lower().endswith(".exr") or bool(colon and pattern.lower().endswith(".exr"))


def _with_output(files: ShotFiles, job_file: Path) -> ShotFiles:
    """Return the files with a place for the result, beside the job where none is given."""
    if files.output:
        return files
    name = files.name or job_file.stem
    return replace(
        files, output=str(job_file.absolute().parent / "clean" / f"{name}_clean_{{version}}.%04d.exr")
    )


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
    say(f"{count} frames in {pattern}, from {first}")


def schema() -> None:
    """Print the JSON Schema of a job."""
    say(json.dumps(job_schema(), indent=2))


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    app.command()(new)
    app.command()(ingest)
    app.command()(schema)
