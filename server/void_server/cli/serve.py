"""``void serve``: the server in this terminal."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.logging import RichHandler

from void_protocol.keys import home_folder
from void_server.access.limit_words import limit_words, read_limits
from void_server.cli.exit_codes import ExitCode
from void_server.operation.service import install_service, plan_service, uninstall_service
from void_server.operation.service_files import Service
from void_server.settings import DEFAULT_ENDPOINT, ServerSettings

_WORKERS, _RUNNING, _KEEPING, _SERVICE = "Workers", "Running it", "How long things are kept", "As a service"


def serve(
    home: Annotated[
        Path | None, typer.Option(help="Keys, job store and spool; default: VOID_HOME or ~/.void-nuke.")
    ] = None,
    endpoint: Annotated[
        str, typer.Option(help="Where to listen; port 0 takes a free one.")
    ] = DEFAULT_ENDPOINT,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Allow to listen on more than this machine.")
    ] = False,
    read_root: Annotated[
        list[Path] | None, typer.Option(help="Jobs may read only below these folders.")
    ] = None,
    output_root: Annotated[
        list[Path] | None, typer.Option(help="Jobs may write only below these folders.")
    ] = None,
    models: Annotated[
        Path | None, typer.Option(help="VOID's model folder; by default the one VOID_MODELS names.")
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(
            help="A worker for each: auto, cpu, cuda:0, cuda:1 ...; default: auto.", rich_help_panel=_WORKERS
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            help="Workers for each device; without --device, on the CPU.",
            min=1,
            max=64,
            rich_help_panel=_WORKERS,
        ),
    ] = 1,
    operator: Annotated[
        list[str] | None,
        typer.Option(
            help="Client names that may pause, drain and clean; default: local.", rich_help_panel=_RUNNING
        ),
    ] = None,
    grace: Annotated[
        float,
        typer.Option(
            help="Seconds that running jobs have to finish when the server is stopped.",
            min=0.0,
            rich_help_panel=_RUNNING,
        ),
    ] = 0.0,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            help="Serve figures for Prometheus on this port of the loopback interface.",
            rich_help_panel=_RUNNING,
        ),
    ] = None,
    job_days: Annotated[
        float,
        typer.Option(help="Forget jobs and their logs this long after they ended.", rich_help_panel=_KEEPING),
    ] = ServerSettings.job_days,
    result_days: Annotated[
        float,
        typer.Option(
            help="Delete streamed results that nobody released after this.", rich_help_panel=_KEEPING
        ),
    ] = ServerSettings.result_days,
    log_days: Annotated[
        float, typer.Option(help="Delete rotated logs after this.", rich_help_panel=_KEEPING)
    ] = ServerSettings.log_days,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder of the engines' caches; default: in the home.", rich_help_panel=_KEEPING),
    ] = None,
    cache_days: Annotated[
        float,
        typer.Option(help="Delete cached files that were not used for this long.", rich_help_panel=_KEEPING),
    ] = ServerSettings.cache_days,
    cache_gb: Annotated[
        float,
        typer.Option(
            help="Beyond this the least recently used goes first.", min=0.001, rich_help_panel=_KEEPING
        ),
    ] = ServerSettings.cache_bytes / 1e9,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER",
            help="A limit of docs/security.md, such as spool_bytes=500G.",
            rich_help_panel=_RUNNING,
        ),
    ] = None,
    install: Annotated[
        bool,
        typer.Option(
            "--install-service",
            help="Do not run here: install as a service of this user.",
            rich_help_panel=_SERVICE,
        ),
    ] = False,
    uninstall: Annotated[
        bool,
        typer.Option("--uninstall-service", help="Stop and remove the service.", rich_help_panel=_SERVICE),
    ] = False,
) -> None:
    """Run the server until Ctrl-C; a second Ctrl-C does not wait for running jobs.

    Example: void serve --device cuda:0 --device cuda:1 --grace 60 --install-service
    """
    # Not only for the service: what would be wrong there is told here.
    settings = ServerSettings(
        home=home_folder(home),
        endpoint=endpoint,
        allow_remote=allow_remote,
        devices=_devices(device, workers),
        read_roots=tuple(read_root or ()),
        output_roots=tuple(output_root or ()),
        operators=("local",) if operator is None else tuple(operator),
        stop_grace_s=grace,
        metrics_port=metrics_port,
        job_days=job_days,
        result_days=result_days,
        log_days=log_days,
        cache_folder=cache,
        cache_days=cache_days,
        cache_bytes=int(cache_gb * 1e9),
        **read_limits(limit or ()),  # type: ignore[arg-type] # checked there
    )
    if install or uninstall:
        plan = plan_service(
            Service(command=service_command(settings, models), home=settings.home, stop_grace_s=grace)
        )
        if not (uninstall_service(plan, typer.echo) if uninstall else install_service(plan, typer.echo)):
            raise typer.Exit(ExitCode.FAILED)
        return
    _serve_here(settings, models)


def _serve_here(settings: ServerSettings, models: Path | None) -> None:
    from void_server.operation.serve import serve as serve_until_stopped

    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[RichHandler(show_path=False)])
    if models is not None:
        from void_engine.diffusion.model.folder import MODELS_VARIABLE

        os.environ[MODELS_VARIABLE] = str(models.resolve())  # which the workers inherit
    serve_until_stopped(settings, on_ready=lambda where: typer.echo(f"void serve: listening on {where}"))


def _devices(named: list[str] | None, workers: int) -> tuple[str, ...]:
    """One entry for each worker."""
    if named is None:
        return ("auto",) if workers == 1 else ("cpu",) * workers
    return tuple(device for device in named for _ in range(workers))


def service_command(settings: ServerSettings, models: Path | None) -> list[str]:
    """The command line of a server with these settings, for a service manager: whatever folder and
    environment that starts it in, it is the same server."""
    models = models or (Path(os.environ["VOID_MODELS"]) if os.environ.get("VOID_MODELS") else None)
    words = [sys.executable, "-P", "-m", "void_server", "serve", "--home", str(settings.home)]
    words += ["--endpoint", settings.endpoint, "--cache", str(settings.caches)]
    words += ["--allow-remote"] if settings.allow_remote else []
    for option, values in (
        ("--device", settings.devices),
        ("--operator", settings.operators),
        ("--limit", limit_words(settings)),
        ("--read-root", settings.read_roots),
        ("--output-root", settings.output_roots),
        ("--models", () if models is None else (models.expanduser().absolute(),)),
        ("--metrics-port", () if settings.metrics_port is None else (settings.metrics_port,)),
    ):
        words += [word for value in values for word in (option, str(value))]
    for option, number in (
        ("--grace", settings.stop_grace_s),
        ("--job-days", settings.job_days),
        ("--result-days", settings.result_days),
        ("--log-days", settings.log_days),
        ("--cache-days", settings.cache_days),
        ("--cache-gb", settings.cache_bytes / 1e9),
    ):
        words += [option, f"{number:.12g}"]
    return words


def add_to(app: typer.Typer) -> None:
    """Register this family's commands."""
    app.command()(serve)
