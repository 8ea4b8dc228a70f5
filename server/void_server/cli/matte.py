"""``void matte``: mattes of objects by clicks, boxes and words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from void_protocol.job import Matte, RemovalJob
from void_protocol.job_file import read_job, with_content_id, write_job
from void_protocol.proposal import proposal_path
from void_protocol.sequence import frame_path
from void_protocol.task import BoxPrompt, MakeMattes, PointPrompt, PromptedObject
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.frame_options import range_option
from void_server.cli.jobs import EndpointOption, HomeOption
from void_server.cli.progress import StageProgress
from void_server.cli.proposal_jobs import report_from_server
from void_server.cli.run import ModelsFolder, TerminalMonitor, use_models
from void_server.cli.stopping import stopping_on_signals
from void_server.cli.terminal import Terminal, say, say_json
from void_server.shot_files import ShotFiles, absolute_pattern, job_from_files

_NUMBER = r"-?\d+(?:\.\d+)?"
_NAME = r"(?:(?P<name>[A-Za-z][A-Za-z0-9_]*)=)?"
_POINT = re.compile(rf"{_NAME}(?P<frame>-?\d+):(?P<x>{_NUMBER}),(?P<y>{_NUMBER})(?P<outside>:-)?")
_BOX = re.compile(
    rf"{_NAME}(?P<frame>-?\d+):(?P<left>{_NUMBER}),(?P<bottom>{_NUMBER}),"
    rf"(?P<right>{_NUMBER}),(?P<top>{_NUMBER})"
)
_WORDS = re.compile(rf"{_NAME}(?P<words>.+)")
_DEFAULT_NAME = "object"


def matte_command(
    source: Annotated[str, typer.Argument(metavar="JOB|PLATE", help="A job (.json), or a plate pattern.")],
    output: Annotated[
        str, typer.Option("--output", "-o", help="The mattes to write, such as mattes.%04d.exr.")
    ],
    at: Annotated[
        list[str] | None,
        typer.Option(help="A click [NAME=]FRAME:X,Y in pixels, y up; :- at its end is outside the object."),
    ] = None,
    box: Annotated[
        list[str] | None, typer.Option(help="A box [NAME=]FRAME:LEFT,BOTTOM,RIGHT,TOP in pixels, y up.")
    ] = None,
    words: Annotated[
        list[str] | None, typer.Option(help="What the object is called: [NAME=]red ball. Needs SAM 3.")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(help="Range of a plate, such as 1001-1040; default: all on disk.")
    ] = None,
    job_output: Annotated[
        Path | None, typer.Option("--job", help="Write the job with the mattes added as what is removed.")
    ] = None,
    models: ModelsFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    send: Annotated[bool, typer.Option("--submit", help="Let the server do it.")] = False,
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Make mattes of objects by clicks, boxes and words, with models on this machine.

    Clicks on further frames refine an object; names tell several apart. Channel A has all objects together,
    NAME.A each.

    Example: void matte sh010.json -o ball.%04d.exr --at 1001:960,540 --at 1001:990,400:-
    """
    use_models(models)
    from void_server.mattes.matting import matte_job, run_mattes
    from void_server.mattes.proposing import refuse_existing

    task = MakeMattes(objects=prompted_objects(at or [], box or [], words or []))
    pattern = absolute_pattern(output)
    job = _job_of(source, pattern, frames)
    asked = matte_job(job, pattern, task)
    paths = [frame_path(pattern, number) for number in job.shot.frame_numbers]
    refuse_existing(path for path in (job_output, *paths, proposal_path(pattern)) if path is not None)
    with StageProgress(job.shot.name, Terminal(stderr=True)) as bars:
        if send:
            report = report_from_server(asked, bars, home, endpoint)
        else:
            monitor = TerminalMonitor(bars)
            with stopping_on_signals(monitor.stop):
                report = run_mattes(asked, monitor)
    if job_output is not None:
        added = Matte(role="remove", pattern=pattern)
        write_job(with_content_id(msgspec.structs.replace(job, mattes=[*job.mattes, added])), job_output)
    if as_json:
        say_json(report)
        return
    names = [one.name for one in task.objects]
    for name in dict.fromkeys([*names, *(name for frame in report.frames for name in frame.kinds)]):
        seen = [frame.kinds[name] for frame in report.frames if name in frame.kinds]
        mean = f", {100 * sum(seen) / len(seen):.1f} % of the picture" if seen else ""
        say(f"{name}: in {len(seen)} of {len(report.frames)} frames{mean}")
    say(f"mattes: {pattern}; report: {proposal_path(pattern)}")
    if len(report.frames) != len(job.shot.frame_numbers):
        raise CommandError(f"{job.shot.name}: some frames were not written", ExitCode.FAILED)


def prompted_objects(at: list[str], boxes: list[str], words: list[str]) -> list[PromptedObject]:
    """Read the prompts of a command line, and gather them by object in the order of their names.

    Raises:
        BadParameter: for what cannot be read, or when nothing is pointed at.
    """
    points: dict[str, list[PointPrompt]] = {}
    boxed: dict[str, list[BoxPrompt]] = {}
    called: dict[str, str] = {}
    for text in at:
        found = _matched(_POINT, text, "--at", "[NAME=]FRAME:X,Y such as 1001:960,540, and :- for outside")
        point = PointPrompt(
            frame=int(found["frame"]),
            x=float(found["x"]),
            y=float(found["y"]),
            outside=found["outside"] is not None,
        )
        points.setdefault(found["name"] or _DEFAULT_NAME, []).append(point)
    for text in boxes:
        found = _matched(_BOX, text, "--box", "[NAME=]FRAME:LEFT,BOTTOM,RIGHT,TOP such as 1001:10,20,300,200")
        sides = {side: float(found[side]) for side in ("left", "bottom", "right", "top")}
        boxed.setdefault(found["name"] or _DEFAULT_NAME, []).append(
            BoxPrompt(frame=int(found["frame"]), **sides)
        )
    for text in words:
        found = _matched(_WORDS, text, "--words", "[NAME=]WORDS such as ball=red ball")
        called[found["name"] or _DEFAULT_NAME] = found["words"]
    names = dict.fromkeys([*points, *boxed, *called])
    if not names:
        raise typer.BadParameter("point at an object with --at, --box or --words", param_hint="--at")
    return [
        PromptedObject(
            name=name, points=points.get(name, []), boxes=boxed.get(name, []), words=called.get(name, "")
        )
        for name in names
    ]


def _matched(pattern: re.Pattern[str], text: str, option: str, wanted: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not {wanted}", param_hint=option)
    return found


def _job_of(source: str, output: str, frames: str | None) -> RemovalJob:
    """The job that is named, or one of a plate alone."""
    if source.lower().endswith(".json"):
        if frames is not None:
            raise typer.BadParameter("a job has its own frames; leave it out", param_hint="--frames")
        return read_job(Path(source))
    return job_from_files(ShotFiles(plate=source, output=output, frames=range_option(frames)))


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("matte")(matte_command)
