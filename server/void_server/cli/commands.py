"""The ``void`` command: all its commands by name, imported only when they are called."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from void_server.cli.explain import ExplainingGroup
from void_server.cli.lazy_commands import LazyCommands, imported_command, placeholders
from void_server.cli.terminal import say

COMMANDS = {
    "run": ("run", "Run jobs here, one after another, without a server. They share one model load."),
    "batch": (
        "batch",
        "Run many shots here, skip what is done from the same inputs, and report on all of them.",
    ),
    "new": (
        "make",
        "Make a job file from a plate and mattes or shapes, or from the roto shapes of a Nuke script.",
    ),
    "roto": ("roto", "Show the roto shapes in other programs' files."),
    "ingest": ("make", "Turn a movie or a sequence of pictures into scene-linear EXR files, or into mattes."),
    "schema": ("make", "Print the JSON Schema of a job."),
    "check": ("check", "Judge the frames of jobs without knowing the truth: green, amber or red, and why."),
    "propose": (
        "propose",
        "Propose mattes of what a job's object affected: shadows, reflections, things that it moves or "
        "carries.",
    ),
    "matte": ("matte", "Make mattes of objects by clicks, boxes and words, with models on this machine."),
    "contact-sheet": (
        "pictures",
        "Show a job's plate, quadmask and result side by side, also while the result is being made.",
    ),
    "review": ("review", "Write pages to review removals: pictures, verdicts, versions and notes."),
    "serve": ("serve", "Run the server until Ctrl-C; a second Ctrl-C does not wait for running jobs."),
    "submit": ("jobs", "Send jobs to the server. One that failed or was cancelled there begins again."),
    "jobs": ("jobs", "List the server's jobs, newest first."),
    "watch": ("following", "Follow a job until it ends. Ctrl-C only stops watching."),
    "cancel": ("following", "Stop jobs; their finished frames stay. 'void retry' lets one begin again."),
    "retry": (
        "following",
        "Let jobs that failed or were cancelled begin again, with the frames that they have.",
    ),
    "fetch": (
        "following",
        "Fetch a job's frames, also those that are still to come. Those that the server wrote by path are "
        "copied to --output.",
    ),
    "status": (
        "status",
        "Show the server's workers, queue and throughput, live on a terminal; or one job and its times.",
    ),
    "logs": ("logs", "Print a job's log."),
    "pause": ("queue", "Hold back one job, or the whole queue (operators only)."),
    "resume": (
        "queue",
        "Let a paused job run, or open the queue again after a pause or a drain (operators only).",
    ),
    "drain": (
        "queue",
        "Prepare for maintenance: start nothing, refuse new jobs, let running ones end (operators only).",
    ),
    "priority": ("queue", "Let a job run before those of lower priority, or after those of higher priority."),
    "clean": (
        "clean",
        "Show what can be deleted (old jobs, logs and results, leftovers, caches), and delete it with --yes.",
    ),
    "host-files": (
        "host_files",
        "Write panel, gizmos and their packages into a folder for NUKE_PATH, the OpenFX plug-in below it.",
    ),
    "demo": (
        "demo",
        "Render an HDR shot, remove its object through a real server, and judge the result against the "
        "truth.",
    ),
    "doctor": (
        "doctor",
        "Check this machine: packages, disk, device, models, EXR, and a job through a real server.",
    ),
    "engines": ("engines", "List the engines of this machine, or one with its options."),
    "farm": ("farm", "Send jobs to a render farm, and run their steps there."),
    "models": ("models", "Get, check and make the folders that hold VOID's models."),
    "openfx-bridge": (
        "openfx",
        "Talk to the OpenFX plug-in that started this process, through standard input and output.",
    ),
    "keys": ("keys", "Manage who may use the server, and the keys of both sides."),
}
"""By command, its module in this package and its line in ``void --help``, which is the first paragraph of the
command's own help."""


def load_command(name: str) -> Any:
    """Import one of the commands. The result is typer's class for a command, which typer does not name."""
    return imported_command(name, COMMANDS[name][0])


class _VoidGroup(LazyCommands, ExplainingGroup):
    """The group of all commands, where an exception becomes a line and an exit status."""

    modules = COMMANDS


app = typer.Typer(
    name="void",
    cls=_VoidGroup,
    help="Remove an object from a shot together with everything it did to the scene.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # It takes as long to import as NumPy's half.

        say(f"void {version('void-nuke')}")
        raise typer.Exit


@app.callback()
def void(
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")] = False,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the release.")
    ] = False,
) -> None:
    """Remove an object from a shot together with everything it did to the scene."""
    # ExplainingGroup reads --debug from the context, because every error passes there.


placeholders(app, COMMANDS)
