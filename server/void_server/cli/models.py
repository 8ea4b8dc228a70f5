"""``void models``: fetches, checks and makes model folders."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.text import Text

from void_protocol.job_file import read_job
from void_server.cli.exit_codes import ExitCode
from void_server.cli.progress import StageProgress
from void_server.cli.run import TerminalMonitor
from void_server.cli.stopping import stopping_on_signals
from void_server.cli.terminal import Terminal

app = typer.Typer(help="Get, check and make the folders that hold VOID's models.", no_args_is_help=True)
console = Terminal(soft_wrap=True)

_Folder = Annotated[
    Path | None, typer.Argument(help="The model folder; by default the one VOID_MODELS names.")
]


@app.command("check")
def check(
    folder: _Folder = None,
    models: Annotated[Path | None, typer.Option("--models", help="The folder, like the argument.")] = None,
    hashes: Annotated[
        bool, typer.Option("--hashes", help="Also read every file and compare its hash.")
    ] = False,
    one_pass: Annotated[bool, typer.Option("--pass-1-only", help="Do not ask for pass 2.")] = False,
) -> None:
    """Check every file, tensor name, shape and number type of a model folder."""
    from void_engine.diffusion.model.folder import find_models
    from void_engine.diffusion.model.folder_check import check_models

    found = find_models(folder or models)
    console.print(f"{found.root}")
    bad = 0
    for finding in check_models(found, passes=(1,) if one_pass else (1, 2), hashes=hashes):
        bad += not finding.ok
        mark = ("ok ", "green") if finding.ok else ("BAD", "red")
        console.print(Text.assemble(mark, f" {finding.subject}: {finding.detail}"))
    if bad:
        raise typer.Exit(ExitCode.FAILED)


@app.command("fetch")
def fetch(
    folder: Annotated[Path, typer.Argument(help="The folder to fill; an interrupted fetch continues.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    one_pass: Annotated[bool, typer.Option("--pass-1-only", help="Leave out pass 2 (11 GB).")] = False,
    role: Annotated[
        Literal["removal", "tracker", "finder", "reasoner"],
        typer.Option("--for", help="removal: VOID's own; tracker, finder, reasoner: docs/segmentation.md."),
    ] = "removal",
    name: Annotated[
        str | None, typer.Option(help="Another model of that kind, by its name on the hub.")
    ] = None,
) -> None:
    """Fetch models from their hubs. No other command uses the network."""
    if role != "removal":
        _fetch_for(role, folder, name, yes=yes)
        return
    from void_engine.diffusion.model.fetch import fetch_models, plan_fetch
    from void_engine.diffusion.model.licences import licence_lines

    files = plan_fetch((1,) if one_pass else (1, 2))
    for file in files:
        console.print(f"{file.size / 1e6:10.1f} MB  {file.repository}: {file.name}")
    console.print(f"{sum(file.size for file in files) / 1e9:.1f} GB in {len(files)} files to {folder}")
    console.print("Licences:")
    for line in licence_lines():
        console.print(line)
    if not yes and not typer.confirm("Fetch them?"):
        raise typer.Exit(ExitCode.CANCELLED)
    fetch_models(folder, files, on_file=lambda file: console.print(f"fetching {file.target}"))
    console.print(f"done; check it with `void models check {folder}` and set VOID_MODELS={folder}")


def _fetch_for(word: str, folder: Path, name: str | None, *, yes: bool) -> None:
    """Fetch the model of a role of :mod:`void_engine.segmentation`."""
    from void_engine.diffusion.model.fetch import fetch_models
    from void_engine.segmentation.fetch import LICENCES, plan_model
    from void_engine.segmentation.model_folders import ROLES

    role = next(role for role in ROLES if role.word == word)
    files = plan_model(role, name)
    for file in files:
        console.print(f"{file.size / 1e6:10.1f} MB  {file.repository}: {file.name}")
    console.print(f"{sum(file.size for file in files) / 1e9:.1f} GB in {len(files)} files to {folder}")
    console.print(f"Licence: {LICENCES[word]}")
    if not yes and not typer.confirm("Fetch them?"):
        raise typer.Exit(ExitCode.CANCELLED)
    fetch_models(folder, files, on_file=lambda file: console.print(f"fetching {file.target}"))
    console.print(f"done; set VOID_MODELS={folder}")


@app.command("licences")
def licences() -> None:
    """Say which model file has which licence, and where to read it."""
    from void_engine.diffusion.model.licences import licence_lines

    for line in licence_lines():
        console.print(line)


@app.command("make-tiny")
def make_tiny_folder(
    folder: Annotated[Path, typer.Argument(help="An empty or new folder.")],
    seed: Annotated[int, typer.Option(help="Seed of the random weights.")] = 0,
) -> None:
    """Make a model folder of random weights: every stage real, pictures of noise. For tests and demos."""
    from void_engine.diffusion.model.tiny import make_tiny

    made = make_tiny(folder, seed=seed)
    console.print(f"random models in {made.root}; use them with VOID_MODELS={made.root}")


@app.command("calibrate")
def calibrate(
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="A typical job (JSON).")],
    models: Annotated[
        Path | None, typer.Option(help="The model folder; by default the one VOID_MODELS names.")
    ] = None,
) -> None:
    """Measure what the step cache 'mag' needs, and save it in the model folder.

    The job runs once with speed 'exact'; its frames are thrown away.
    """
    from void_engine.diffusion.engine import VoidEngine
    from void_engine.diffusion.model.folder import find_models
    from void_engine.diffusion.model.step_cache import write_magnitudes
    from void_engine.removal import run_removal
    from void_server.translate import removal_request

    folder = find_models(models)
    engine = VoidEngine(folder.root, measures=True)
    with tempfile.TemporaryDirectory(prefix="void-calibrate-") as frames, ExitStack() as files:
        job = read_job(job_file)
        options = {k: v for k, v in job.settings.engine_options.items() if k not in ("speed", "step_cache")}
        job = msgspec.structs.replace(
            job,
            settings=msgspec.structs.replace(job.settings, engine_options=options),
            output=msgspec.structs.replace(job.output, pattern=f"{frames}/clean.%04d.exr"),
        )
        request = removal_request(job, files, engine_name=engine.name)
        with StageProgress(job.shot.name) as bars:
            monitor = TerminalMonitor(bars)
            with stopping_on_signals(monitor.stop):
                run_removal(request, engine, monitor)
    write_magnitudes(folder, engine.magnitudes)
    for number, ratios in sorted(engine.magnitudes.items()):
        console.print(f"pass {number}: {len(ratios)} steps, ratios {min(ratios):.3f} to {max(ratios):.3f}")
    console.print(f"kept in {folder.magnitudes}; jobs can now ask for step_cache 'mag'")


@app.command("needs")
def needs(
    models: Annotated[
        Path | None, typer.Option(help="The model folder; by default the one VOID_MODELS names.")
    ] = None,
    canvas: Annotated[str, typer.Option(help="Width and height at which the model works.")] = "672x384",
    frames: Annotated[int, typer.Option(help="Length of the shot.", min=1)] = 85,
    passes: Annotated[int, typer.Option(help="Number of passes, 1 or 2.", min=1, max=2)] = 1,
) -> None:
    """Say how much device memory each memory mode needs, without loading anything."""
    import torch

    from void_engine.diffusion.framing import PUBLISHED_WINDOW, latent_frames, padded_length
    from void_engine.diffusion.memory_plan import MODES, measure_needs
    from void_engine.diffusion.model.folder import find_models

    try:
        width, height = (int(side) for side in canvas.lower().split("x"))
    except ValueError:
        width = height = 0
    if min(width, height) < 16 or width % 16 or height % 16:
        raise typer.BadParameter(f"{canvas!r} must be like 672x384, with sides that are multiples of 16")
    folder = find_models(models)
    measured = measure_needs(
        folder,
        (height, width),
        padded_length(frames, PUBLISHED_WINDOW),
        latent_frames(PUBLISHED_WINDOW),
        torch.bfloat16,
        guided=passes == 2,
    )
    console.print(f"{folder.root}: {width}x{height}, {frames} frames, 16 bits, on the device")
    for mode in (*MODES, "fp8"):
        console.print(f"{mode:>6}: {measured.device_bytes(mode) / 2**30:5.1f} GiB")
