"""``void demo``: a whole removal, through a real server, on a shot with a known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from void_engine.spread import evenly_spread
from void_protocol.client import Client
from void_protocol.job import RemovalJob
from void_protocol.messages import JobInfo
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.pictures import write_sheet
from void_server.cli.progress import StageProgress
from void_server.cli.remote import JobDisplay, wait_shown
from void_server.cli.terminal import say

_SHEET_ROWS = 4


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for all that is made.")] = Path(
        "demo_out"
    ),
    engine: Annotated[
        str, typer.Option(help="auto, or an engine that 'void engines' lists.")
    ] = "propagation",
    width: Annotated[int, typer.Option(help="Width of the format in pixels.")] = 960,
    height: Annotated[int, typer.Option(help="Height of the format in pixels.")] = 540,
    frames: Annotated[int, typer.Option(help="Number of frames.", min=2)] = 40,
    proxy: Annotated[float, typer.Option(help="Scale: 1, 0.5, 0.25 or 0.125.")] = 1.0,
) -> None:
    """Render an HDR shot, remove its object through a real server, and judge the result against the truth."""
    try:
        import skimage  # noqa: F401 - it has the photographs and the metrics
    except ModuleNotFoundError as error:
        raise CommandError("the demo needs the extra 'demo': pip install 'void-nuke[demo]'") from error
    from void_server.cli.run import TerminalMonitor
    from void_server.demo import walkthrough
    from void_server.demo.proposal import judge_proposal

    folder = output.absolute()
    with StageProgress("demo") as bars:
        shot = walkthrough.render(folder / "shot", width=width, height=height, frames=frames, bars=bars)
        job = walkthrough.make_job(shot, folder, engine=engine, proxy_scale=proxy)

        def show(client: Client, job: RemovalJob) -> JobInfo:
            display = JobDisplay(bars)
            # The files are streamed so that the demo shows the whole way, though this server could read them
            # itself.
            remote = client.submit(
                job, on_event=display.on_event, on_upload=display.on_upload, transfer="streamed"
            )
            return wait_shown(remote.done, display)

        info, seconds = walkthrough.remove_through_server(job, folder / "server", show)
        score = walkthrough.judge(job, shot, bars)
        results = folder / walkthrough.RESULT_FOLDER
        detail_sheet = results / f"demo_v{job.output.version:03d}_detail.png"
        small = walkthrough.judge_small_answer(job, shot, detail_sheet, bars)
        found = judge_proposal(job, shot.truth_pattern, TerminalMonitor(bars))
    table = score.table()
    sheet = results / f"demo_v{job.output.version:03d}.png"
    write_sheet(
        job,
        sheet,
        evenly_spread(job.shot.frame_numbers, _SHEET_ROWS),
        truth=shot.truth_pattern,
        notes=[*score.sentences(), score.outside],
    )
    say(
        f"\n{info.frames_done} frames by {info.engine} in {seconds:.1f} s, submit to last frame\n\n"
        f"{table}\n\n"
        f"{'' if small is None else small.table() + chr(10) * 2}"
        f"{found.sentence()}\n\n"
        f"plate  {shot.plate_pattern}\ntruth  {shot.truth_pattern}\n"
        f"result {job.output.versioned_pattern}\nsheets {sheet}\n"
        f"       {detail_sheet if small is not None else ''}".rstrip()
    )
    if not score.bit_exact_outside:
        raise CommandError("pixels outside the matte were changed", ExitCode.FAILED)


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(demo)
