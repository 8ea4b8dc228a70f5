"""``void propose``: mattes of what a job's object affected, found in the shot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from void_engine.spread import evenly_spread
from void_protocol.job_file import read_job, with_content_id, write_job
from void_protocol.proposal import proposal_path
from void_protocol.sequence import frame_path
from void_protocol.task import Propose
from void_server.cli.accepted_things import accepted_mattes
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.jobs import EndpointOption, HomeOption
from void_server.cli.pictures import require_picture_name
from void_server.cli.progress import StageProgress
from void_server.cli.proposal_jobs import report_from_server, report_read
from void_server.cli.run import ModelsFolder, TerminalMonitor, use_models
from void_server.cli.stopping import stopping_on_signals
from void_server.cli.terminal import Terminal, say, say_json
from void_server.shot_files import absolute_pattern

_SHEET_ROWS = 5


def propose_command(
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="A job with mattes or shapes to remove.")],
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="The mattes to write, such as affected.%04d.exr.")
    ] = None,
    earlier: Annotated[
        str | None, typer.Option("--from", help="Take this earlier proposal instead of making one.")
    ] = None,
    by: Annotated[
        Literal["evidence", "reason", "both"],
        typer.Option(
            help="evidence in the shot, which needs no weights; reason: a language model on this machine "
            "that sees the shot; or both, joined."
        ),
    ] = "evidence",
    instruction: Annotated[
        str, typer.Option("--object", help="What the object is, in words, for the language model.")
    ] = "",
    models: ModelsFolder = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="WHAT", help="Into the job: numbers of things, kinds, or all (with --job)."),
    ] = None,
    reject: Annotated[
        list[str] | None, typer.Option(metavar="WHAT", help="Not into the job: the same.")
    ] = None,
    extend: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N=WAY",
            help="Accept a thing extended: whole, stood, support or path; @1010-1020 for some frames.",
        ),
    ] = None,
    grow: Annotated[
        list[str] | None, typer.Option(metavar="N=PIXELS", help="Accept a thing, grown by so many pixels.")
    ] = None,
    job_output: Annotated[
        Path | None,
        typer.Option("--job", help="Write the job with the proposal added as an affected matte."),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Draw plate and proposal side by side, tinted by kind (.png, .jpg).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    send: Annotated[
        bool, typer.Option("--submit", help="Let the server do it, as 'void submit' does a removal.")
    ] = False,
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Propose mattes of what a job's object affected: shadows, reflections, things that it moves or carries.

    Channel A is the whole matte and confidence.A how sure it is; shadow.A, reflection.A, moved.A and
    carried.A are its kinds. Each thing that was found has a layer too, thing1.A and so on, and one for each
    way to extend it. A report lies beside the mattes.
    """
    use_models(models)
    from void_server.mattes.proposing import draw_proposal, proposal_job, refuse_existing, run_proposal

    job = read_job(job_file)
    if (output is None) == (earlier is None):
        raise CommandError(
            "give the mattes to write with -o, or earlier ones with --from", ExitCode.INVALID_JOB
        )
    pattern = absolute_pattern(output or earlier or "")
    decided = {"accept": accept or (), "reject": reject or (), "extend": extend or (), "grow": grow or ()}
    if any(decided.values()) and job_output is None:
        raise CommandError("what is accepted goes into a job; name its file with --job", ExitCode.INVALID_JOB)
    if sheet is not None:
        require_picture_name(sheet, "--sheet")
    made = [frame_path(pattern, number) for number in job.shot.frame_numbers]
    made = [] if earlier is not None else [*made, proposal_path(pattern)]
    refuse_existing(path for path in (job_output, sheet, *made) if path is not None)
    asked = proposal_job(job, pattern, Propose(by=by, instruction=instruction))
    with StageProgress(job.shot.name, Terminal(stderr=True)) as bars:
        monitor = TerminalMonitor(bars)
        if earlier is not None:
            report = report_read(pattern, job)
        elif send:
            report = report_from_server(asked, bars, home, endpoint)
        else:
            with stopping_on_signals(monitor.stop):
                report = run_proposal(asked, monitor)
    if job_output is not None:
        mattes = [*job.mattes, *accepted_mattes(msgspec.structs.replace(report, matte=pattern), **decided)]
        write_job(with_content_id(msgspec.structs.replace(job, mattes=mattes)), job_output)
    if sheet is not None:
        draw_proposal(job, pattern, sheet, evenly_spread(job.shot.frame_numbers, _SHEET_ROWS), monitor)
    if as_json:
        say_json(report)
        return
    told = [frame for frame in report.frames if frame.share]
    if told:
        share = sum(frame.share for frame in told) / len(told)
        sure = sum(frame.confidence for frame in told) / len(told)
        kinds = sorted({word for frame in told for word in frame.kinds})
        say(
            f"{job.shot.name}: proposed in {len(told)} of {len(report.frames)} frames, "
            f"{100 * share:.1f} % of the picture, {round(100 * sure)} % sure: {', '.join(kinds)}"
        )
    else:
        say(f"{job.shot.name}: nothing to propose")
    for thing in report.things:
        ways = f"; can be extended: {', '.join(thing.extensions)}" if thing.extensions else ""
        how_sure = f", {round(100 * thing.confidence)} % sure" if thing.confidence else ""
        say(f"  {thing.number}  {thing.kind}: {thing.words}, frames {thing.frames or 'all'}{how_sure}{ways}")
    reasons = sorted({frame.unknown for frame in report.frames if frame.unknown})
    for reason in reasons:
        count = sum(frame.unknown == reason for frame in report.frames)
        say(f"unknown in {count} of {len(report.frames)} frames: {reason}")
    say(f"mattes: {pattern}; report: {proposal_path(pattern)}")
    if len(report.frames) != len(job.shot.frame_numbers):
        raise CommandError(f"{job.shot.name}: some frames were not written", ExitCode.FAILED)


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("propose")(propose_command)
