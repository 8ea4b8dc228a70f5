"""Reports errors as one readable line and an exit status; the traceback comes only with ``--debug``."""

from __future__ import annotations

from typing import Any

import typer
from rich.text import Text
from typer import Context
from typer.core import TyperGroup
from typer.exceptions import TyperException

from void_engine.errors import (
    EngineError,
    MatteError,
    OutputError,
    PlateError,
    RemovalCancelled,
    SettingError,
)
from void_protocol.errors import (
    JobError,
    JobFileError,
    KeyFileError,
    ProtocolError,
    ResultFileError,
    ResultsGoneError,
    ServerError,
    ServerUnreachableError,
    TransferError,
    VersionRefusedError,
)
from void_protocol.printable import printable_entry
from void_server.batch.errors import ManifestError
from void_server.cli.exit_codes import ExitCode
from void_server.cli.terminal import Terminal
from void_server.errors import ServerSettingError, ServiceError, SettingsFileError, message_of
from void_server.roto_files.errors import RotoFileError

errors_console = Terminal(stderr=True, soft_wrap=True)


class CommandError(Exception):
    """A command cannot go on. The message says why, and what to do."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code


_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (OutputError, ExitCode.BAD_OUTPUT),
    (PlateError, ExitCode.BAD_INPUT),
    (MatteError, ExitCode.BAD_INPUT),
    (SettingError, ExitCode.INVALID_JOB),
    (JobError, ExitCode.INVALID_JOB),
    (JobFileError, ExitCode.INVALID_JOB),
    (EngineError, ExitCode.FAILED),
    (ResultFileError, ExitCode.BAD_OUTPUT),
    (TransferError, ExitCode.BAD_INPUT),
    (ServerUnreachableError, ExitCode.NO_SERVER),
    (VersionRefusedError, ExitCode.NO_SERVER),
    (KeyFileError, ExitCode.NO_SERVER),
    (ServerError, ExitCode.REFUSED),
    (ResultsGoneError, ExitCode.REFUSED),
    (ProtocolError, ExitCode.NO_SERVER),
    (ServerSettingError, ExitCode.INVALID_JOB),
    (SettingsFileError, ExitCode.INVALID_JOB),
    (ManifestError, ExitCode.INVALID_JOB),
    (RotoFileError, ExitCode.BAD_INPUT),
    (ServiceError, ExitCode.FAILED),
)


def exit_code_of(error: Exception) -> ExitCode:
    """Return the exit status of ``void`` for an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILED)


def error_text(error: Exception) -> str:
    """Return an error's message. Lines after the first are indented: what reads the lines of a command (a
    render farm does) takes none of them for an order, whatever file the message quotes."""
    return printable_entry(message_of(error))


class ExplainingGroup(TyperGroup):
    """The group around every command, where an exception becomes a line and an exit status."""

    def invoke(self, ctx: Context) -> Any:  # type: ignore[override] # typer hides click's own context type
        debug = bool(ctx.params.get("debug"))
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a bug is reported like any other error
            ctx.exit(explained(error, debug=debug))


def explained(error: Exception | KeyboardInterrupt, *, debug: bool = False) -> ExitCode:
    """Tell people on standard error what went wrong, and return the exit status of the command."""
    if isinstance(error, (RemovalCancelled, KeyboardInterrupt)):
        errors_console.print(Text.assemble(("cancelled", "yellow"), "; complete frames are kept"))
        return ExitCode.CANCELLED
    if debug:
        errors_console.print_exception()
    errors_console.print(Text.assemble(("error:", "bold red"), f" {error_text(error)}"))
    if isinstance(error, CommandError):
        return error.code
    if not isinstance(error, (EngineError, ProtocolError, ServiceError, OSError)):
        errors_console.print("this is a defect of void itself; run it with 'void --debug' for the trace")
    return exit_code_of(error)
