"""``void new``, ``void ingest`` and ``void schema``: makes jobs, and plates for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Meta

from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.typed import canonical, find_files, names_files
from void_protocol.errors import JobFileError
from void_protocol.job import RemovalJob, Role, RotoShape, new_job_id
from void_protocol.job_file import encode_job, job_schema, write_job
from void_protocol.view_pattern import result_for_view
from void_server.cli.as_typed import named_as_typed
from void_server.cli.declared_options import with_options
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.frame_options import range_option
from void_server.cli.job_overrides import ShotOverrides, changed_by
from void_server.cli.new_job_check import check_new_job
from void_server.cli.progress import StageProgress
from void_server.cli.terminal import agrees, say
from void_server.settings.declaration import DeclaredSettings, option
from void_server.shot_files import ShotFiles, job_from_files
from void_server.shot_pictures import PictureRules


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
    scale_mattes: Annotated[
        bool, Meta(description="Scale mattes of another size to the plate's."), option("--scale-mattes")
    ] = False

    def files(self, *, shapes_by_name: bool) -> ShotFiles:
        """The files, with what to do with them. Plate and output are empty where they are not given.

        Args:
            shapes_by_name: whether roles name shapes, so that only what ends as a picture does is a matte.

        Raises:
            JobFileError: when the shapes cannot be read.
        """
        remove, affected, ignore = (
            tuple(text for text in texts if not shapes_by_name or names_files(text))
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


@with_options
def new(
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="The job file to write.")],
    shot_options: ShotOptions,
    roto_options: RotoOptions,
    removal: ShotOverrides,
    check: Annotated[
        bool,
        typer.Option(
            help="Look at every file's header, and at the engine and its options; --no-check for files that "
            "are still to come."
        ),
    ] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a job file that is there, after a question.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Answer the question of --overwrite with yes.")] = False,
) -> None:
    """Make a job file from a plate and mattes or shapes, or from the roto shapes of a Nuke script.

    Example: void new job.json --script shot.nk --roto Roto3 --remove 'ball*' --affected 'shadow*'
    """
    if roto_options.script is None:
        if roto_options.roto is not None:
            raise typer.BadParameter("it chooses in a script; name that with --script", param_hint="--roto")
        if not shot_options.plate:
            raise typer.BadParameter("give the plate's pattern, or --script", param_hint="--plate")
        mattes = (shot_options.remove, shot_options.affected, shot_options.quadmask, shot_options.shapes)
        if not any(mattes):
            raise typer.BadParameter(
                "nothing is named that goes; give a matte, or --quadmask, --shapes or --script",
                param_hint="--remove",
            )
    files = shot_options.files(shapes_by_name=roto_options.script is not None)
    made: list[tuple[Path, RemovalJob]] = []
    views = shot_options.views
    together = new_job_id()[:8] if len(views) > 1 else ""
    chosen: list[str | None] = [*views] or [None]
    for view in chosen:
        own_file = job_file.with_stem(f"{job_file.stem}_{view}") if together else job_file
        with _making(replace(files, view=view), shot_options, job_file) as complete:
            if together and view is not None:
                complete = replace(complete, output=result_for_view(complete.output, view))
            if roto_options.script is None:
                job = job_from_files(complete)
            else:
                job = _from_roto(roto_options.script, roto_options, shot_options, complete)
        made.append((own_file, msgspec.structs.replace(changed_by(job, removal), together=together)))
    for _, job in made:
        with named_as_typed():
            encode_job(job)  # It refuses a job that is not valid before its files are looked at.
            if check:
                check_new_job(job)
    replaced = overwrite and _may_replace([path for path, _ in made], yes=yes)
    for path, job in made:  # None is written unless all could be made.
        write_job(job, path, overwrite=replaced)
        shot, size = job.shot, job.shot.format
        which = f"{shot.name}, {shot.view}" if views else shot.name
        say(f"{path}: {which}, {shot.first_frame}-{shot.last_frame}, {size.width}x{size.height}")


def _may_replace(paths: Sequence[Path], *, yes: bool) -> bool:
    """Whether those of the job files that are there may be replaced, after a question.

    Raises:
        CommandError: when the answer is no, or nobody can be asked.
    """
    there = [str(path) for path in paths if path.exists()]
    if not there or yes:
        return bool(there)
    if not agrees(f"{', '.join(there)} exists already; replace it?"):
        raise CommandError(f"{', '.join(there)} stays as it is (--yes answers yes)", ExitCode.BAD_OUTPUT)
    return True


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
    return tuple(text for text in texts if not names_files(text))


@contextmanager
def _making(files: ShotFiles, shot: ShotOptions, job_file: Path) -> Iterator[ShotFiles]:
    """Give the files with all that follows from where the job's file is, and tell what is found and made."""
    with StageProgress(job_file.name) as bars:
        rules = PictureRules(
            made=job_file.absolute().parent / "ingested",
            scale_mattes=shot.scale_mattes,
            tell=lambda text: say(text, to_stderr=True),
            on_frame=bars.update,
        )
        yield replace(_with_output(files, job_file), pictures=rules)


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
    source: Annotated[
        str,
        typer.Argument(help="A movie, or pictures: a pattern such as plate.####.dpx, a folder, or one file."),
    ],
    pattern: Annotated[str, typer.Argument(help="EXR pattern to write, such as plate.%04d.exr.")],
    first: Annotated[
        int | None,
        typer.Option(help="Number of the first frame. Default: 1001 for a movie, else the files' own."),
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option(help="Range such as 1001-1040: of files by their numbers, of a movie by its new ones."),
    ] = None,
    scale: Annotated[float, typer.Option(help="1, 0.5, 0.25 or 0.125.")] = 1.0,
    colour_space: Annotated[
        str,
        typer.Option(help="What code values mean: a curve (docs/colour.md) or a colour space of OCIO."),
    ] = "auto",
    matte: Annotated[
        bool, typer.Option("--matte", help="It is a matte: alpha, else brightness; SOURCE:R names a channel.")
    ] = False,
    quadmask: Annotated[
        bool, typer.Option("--quadmask", help="It is a quadmask: its code values are levels.")
    ] = False,
) -> None:
    """Turn a movie or a sequence of pictures into scene-linear EXR files, or into mattes.

    Example: void ingest plate.####.dpx plate.%04d.exr --colour-space cineon
    """
    from void_engine.plates.ingest.ingest import ingest as ingest_files
    from void_engine.plates.ingest.request import Ingest

    if matte and quadmask:
        raise typer.BadParameter("it is either a matte or a quadmask", param_hint="--matte")
    typed = find_files(source, may_be_still=True)
    if typed.channel is not None and not matte:
        raise typer.BadParameter(f"only a --matte has a channel, here {typed.channel}", param_hint="SOURCE")
    wanted = Ingest(
        source=typed.pattern,
        target=FramePattern.parse(canonical(pattern)),
        purpose="matte" if matte else "quadmask" if quadmask else "plate",
        first=first,
        frames=range_option(frames),
        colour=colour_space,
        channel=typed.channel,
        scale=scale,
    )
    if typed.remark:
        say(typed.remark, to_stderr=True)
    with StageProgress(Path(source).name) as bars:
        made = ingest_files(wanted, lambda done, total: bars.update("ingest", done, total))
    for remark in made.remarks:
        say(remark, to_stderr=True)
    frames_made = "1 frame" if len(made.numbers) == 1 else f"{len(made.numbers)} frames"
    say(f"{frames_made} in {pattern}, from {made.numbers[0]}")


def schema() -> None:
    """Print the JSON Schema of a job."""
    say(json.dumps(job_schema(), indent=2))


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    app.command()(new)
    app.command()(ingest)
    app.command()(schema)
