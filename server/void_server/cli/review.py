"""``void review``: pages to look at removals, note what is wrong, and approve them."""

from __future__ import annotations

import getpass
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from void_protocol.errors import ProtocolError, ServerUnreachableError
from void_protocol.job import RemovalJob
from void_protocol.messages import JobState
from void_server.batch.sources import read_sources
from void_server.cli.explain import CommandError, error_text
from void_server.cli.jobs import EndpointOption, HomeOption, connected_client
from void_server.cli.terminal import Terminal, say
from void_server.review.catalogue import ReviewShot, review_shots
from void_server.review.errors import ReviewError
from void_server.review.matte_orders import MatteOrders
from void_server.review.page import ReviewPage
from void_server.review.pictures import ShotPictures
from void_server.review.players import SUFFIX, write_timeline
from void_server.review.serving import ReviewServer
from void_server.review.shown import ReviewView

_TOLD_PROBLEMS = 10
_ACCEPTED_S = 30.0


def review(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="JOBS...",
            help="Jobs that have run, or run now: job files, folders of them, manifests (.csv, .json).",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The folder of the pages; new, or an earlier review."),
    ] = None,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve", help="Serve the pages on this machine, keep notes beside the results, and wait."
        ),
    ] = False,
    port: Annotated[int, typer.Option(help="The port of --serve; 0 takes a free one.", min=0, max=65535)] = 0,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Whether --serve opens the browser.")
    ] = False,
    otio: Annotated[
        Path | None,
        typer.Option(
            help="Write a timeline (.otio) with plates, results and mattes, for OpenRV, xStudio or mrv2."
        ),
    ] = None,
    width: Annotated[
        int, typer.Option(help="The width of pictures in pixels, at most.", min=64, max=8192)
    ] = 1280,
    display: Annotated[str, typer.Option(help="The OCIO display; default: the configuration's.")] = "",
    view: Annotated[str, typer.Option(help="The OCIO view; default: the display's.")] = "",
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Write pages to review removals: pictures, verdicts, versions and notes."""
    if output is None and not serve and otio is None:
        raise typer.BadParameter("say where the pages go (-o FOLDER), or --serve them, or write an --otio")
    if otio is not None and otio.suffix.lower() != SUFFIX:
        raise typer.BadParameter(f"a timeline is called *{SUFFIX}", param_hint="--otio")
    shots = _shots(sources)
    if otio is not None:
        write_timeline(shots, _rate(shots), otio)
        say(f"timeline of {len(shots)} shots: {otio}")
    if serve:
        with tempfile.TemporaryDirectory(prefix="void-review-") as folder:
            _serve(
                ReviewPage(output or Path(folder), shots, ReviewView.named(display, view), width),
                port,
                open_browser,
                MatteOrders(partial(_send_to_server, home, endpoint)),
            )
    elif output is not None:
        _write(ReviewPage(output, shots, ReviewView.named(display, view), width))


def _shots(sources: Sequence[Path]) -> list[ReviewShot]:
    jobs: list[RemovalJob] = []
    for listed in read_sources(sources).shots:
        if isinstance(listed, RemovalJob):
            jobs.append(listed)
        else:
            say(f"{listed.name} is passed over: {error_text(listed.error)}", to_stderr=True)
    if not jobs:
        raise CommandError("there is no job to review in what was given")
    return review_shots(jobs)


def _rate(shots: Sequence[ReviewShot]) -> float:
    with ShotPictures(shots[0]) as pictures:
        return pictures.fps()


def _write(page: ReviewPage) -> None:
    with page:
        problems = page.prepare()
        with Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=Terminal(stderr=True), transient=True,
        ) as bars:  # fmt: skip
            task = bars.add_task("pictures", total=None)
            problems += page.make_pictures(lambda done, total: bars.update(task, completed=done, total=total))
    _tell(problems)
    say(f"review of {len(page.shots)} shots: {page.folder / 'index.html'}")


def _serve(page: ReviewPage, port: int, open_browser: bool, orders: MatteOrders) -> None:
    with page:
        _tell(page.prepare(server=True))
        try:
            server = ReviewServer(page, getpass.getuser(), port, orders)
        except OSError as error:
            raise ReviewError(
                f"port {port} cannot be used ({error.strerror}); choose another --port"
            ) from error
        say(f"review of {len(page.shots)} shots: {server.url}")
        say("notes are kept beside the results; Ctrl-C ends this")
        if open_browser:
            webbrowser.open(server.url)
        try:
            server.serve()
        except KeyboardInterrupt:
            say("the review has ended")
        finally:
            server.close()


def _send_to_server(
    home: Path | None, endpoint: str | None, job: RemovalJob, told: Callable[[str], None]
) -> None:
    """Send a job, and tell in words what becomes of it, from a thread that waits for it.

    Raises:
        ProtocolError: when no server is there, or it refuses the job.
    """
    client = connected_client(home, endpoint)
    try:
        remote = client.submit(job, again=True)
        try:
            remote.accepted.result(_ACCEPTED_S)
        except TimeoutError as error:
            raise ServerUnreachableError(f"it did not answer within {_ACCEPTED_S:.0f} seconds") from error
    except BaseException:
        client.close()
        raise

    def wait() -> None:
        try:
            info = remote.done.result()
            told(
                "the matte is there" if info.state is JobState.DONE else f"no matte was made ({info.message})"
            )
        except ProtocolError as error:
            told(f"nothing is heard of the matte any more ({error})")
        finally:
            client.close()

    threading.Thread(target=wait, name="void-review-matte", daemon=True).start()


def _tell(problems: Sequence[str]) -> None:
    for problem in problems[:_TOLD_PROBLEMS]:
        say(f"not shown: {problem}", to_stderr=True)
    if len(problems) > _TOLD_PROBLEMS:
        say(f"and {len(problems) - _TOLD_PROBLEMS} more pictures", to_stderr=True)


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(review)
