"""``void serve``: runs the server in this terminal, or installs it as a service."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.logging import RichHandler
from rich.text import Text

from void_protocol.durable import write_whole
from void_protocol.printable import PrintableFormatter
from void_protocol.private_folders import make_private_folder
from void_server.cli.declared_options import Given, with_options
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.terminal import Terminal, say
from void_server.errors import ServerSettingError
from void_server.operation.detached import running_server, start_detached, stop_server
from void_server.operation.service import install_service, plan_service, uninstall_service
from void_server.operation.service_files import Service
from void_server.settings import ServerSettings
from void_server.settings.sources import EffectiveSettings, resolve_settings, write_new_file
from void_server.settings.toml_file import FILE_NAME

_SETTINGS, _SERVICE = "All other settings", "As a service"


@with_options
def serve(
    given: Given[ServerSettings],
    workers: Annotated[
        int | None,
        typer.Option(
            help="Workers for each --device; without one, on the CPU.",
            min=1,
            max=64,
            rich_help_panel="Workers",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"A file of settings (TOML). Default: {FILE_NAME} in the home, if it is there.",
            rich_help_panel=_SETTINGS,
        ),
    ] = None,
    words: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="One setting, such as spool_bytes=500G; goes before the file. docs/settings.md lists them.",
            rich_help_panel=_SETTINGS,
        ),
    ] = None,
    detach: Annotated[
        bool,
        typer.Option(
            "--detach",
            help="Go on without this terminal: return when the server answers. --stop ends it.",
            rich_help_panel=_SERVICE,
        ),
    ] = False,
    stop: Annotated[
        bool,
        typer.Option("--stop", help="Stop the server that runs with this home.", rich_help_panel=_SERVICE),
    ] = False,
    show_config: Annotated[
        bool,
        typer.Option(
            "--show-config",
            help="Do not run: print all settings as TOML, with where each comes from.",
            rich_help_panel=_SETTINGS,
        ),
    ] = False,
    install: Annotated[
        bool,
        typer.Option(
            "--install-service",
            help="Do not run here: install as a service of this user, which reads the file of settings.",
            rich_help_panel=_SERVICE,
        ),
    ] = False,
    uninstall: Annotated[
        bool,
        typer.Option("--uninstall-service", help="Stop and remove the service.", rich_help_panel=_SERVICE),
    ] = False,
) -> None:
    """Run the server until Ctrl-C; a second Ctrl-C does not wait for running jobs.

    With --detach it goes on without the terminal.

    Example: void serve --device cuda:0 --device cuda:1 --grace 60 --install-service
    """
    if workers is not None and workers > 1:
        given["devices"] = [device for device in given.get("devices", ["cpu"]) for _ in range(workers)]
    # When the file does not exist yet, --install-service writes the settings to it; when it is gone, the
    # service can still be removed.
    is_missing = config is not None and not config.exists()
    read = None if is_missing and (install or uninstall) else config
    # This also serves the service: an error in its settings shows here.
    effective = resolve_settings(given, words or (), read)
    if show_config:
        say(effective.as_toml().removesuffix("\n"))
    elif uninstall:
        plan = plan_service(_service(effective, config))
        if not uninstall_service(plan, say):
            raise typer.Exit(ExitCode.FAILED)
    elif install:
        _settle_file(effective, config)
        if not install_service(plan_service(_service(effective, config)), say):
            raise typer.Exit(ExitCode.FAILED)
    elif stop:
        if not stop_server(effective.settings.home):
            raise CommandError(f"no server runs with {effective.settings.home}", ExitCode.NO_SERVER)
        say("void serve: stopped")
    elif detach:
        _detach(effective)
    else:
        _serve_here(effective.settings)


def _detach(effective: EffectiveSettings) -> None:
    home = effective.settings.home
    if (there := running_server(home)) is not None:
        say(f"void serve: a server runs already, process {there.pid}, listening on {there.endpoint}")
        return
    make_private_folder(home)
    file = home / "detached.toml"
    write_whole(file, effective.as_toml().encode())
    started = start_detached(service_command(file), home)
    say(f"void serve: listening on {started.endpoint}, process {started.pid}; 'void serve --stop' ends it")


def _serve_here(settings: ServerSettings) -> None:
    from void_server.operation.serve import serve as serve_until_stopped

    handler = RichHandler(console=Terminal(), show_path=False, log_time_format=_utc)
    handler.setFormatter(PrintableFormatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    serve_until_stopped(settings, on_ready=lambda where: say(f"void serve: listening on {where}"))


def _utc(local: datetime) -> Text:
    """The time of a log line: UTC, as in the log files."""
    return Text(local.astimezone(UTC).isoformat(timespec="seconds"))


def _service(effective: EffectiveSettings, config: Path | None) -> Service:
    settings = effective.settings
    return Service(
        command=service_command(_service_file(effective, config)),
        home=settings.home,
        stop_grace_s=settings.stop_grace_s,
    )


def _service_file(effective: EffectiveSettings, config: Path | None) -> Path:
    return (config or effective.file or effective.settings.home / FILE_NAME).expanduser().absolute()


def _settle_file(effective: EffectiveSettings, config: Path | None) -> None:
    """Make sure that the file alone gives these settings: write it, or refuse to change it.

    Raises:
        ServerSettingError: when there is a file, and the command line or the environment says otherwise.
        SettingsFileError: when it cannot be written.
    """
    file = _service_file(effective, config)
    if not file.exists():
        write_new_file(effective, file)
        say(f"the settings are written to {file}")
        return
    alone = resolve_settings({}, (), file, environment={})
    differing = [name for name in effective.origins if _value(effective, name) != _value(alone, name)]
    if differing:
        raise ServerSettingError(
            " and ".join(differing),
            "the service reads its settings from this file alone, which says otherwise and is not "
            f"overwritten; put into it what is below, then install again:\n{effective.as_toml(differing)}",
            str(file),
        )


def _value(effective: EffectiveSettings, name: str) -> object:
    return getattr(effective.settings, name)


def service_command(file: Path) -> list[str]:
    """Return the command line of a server with the settings of ``file``, for a service manager. Whatever
    folder and environment the manager starts it in, it is the same server."""
    return [sys.executable, "-P", "-m", "void_server", "serve", "--config", str(file)]


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    app.command()(serve)
