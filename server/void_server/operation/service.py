"""Installs and removes the server's service of this user, for which no root or administrator is needed."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from void_server.errors import ServiceError
from void_server.operation.service_files import (
    LAUNCHD_LABEL,
    SERVICE_NAME,
    TASK_NAME,
    Service,
    launchd_plist,
    systemd_unit,
    windows_task,
)

_COMMAND_S = 60.0


class ServiceInstallError(ServiceError):
    """The service could not be installed or removed."""


@dataclass(frozen=True)
class ServicePlan:
    """The file and the commands that the service takes on this system."""

    file: Path
    text: str
    encoding: str
    start: Sequence[Sequence[str]]
    """Commands that load the file and start the server."""
    stop: Sequence[Sequence[str]]
    """Commands that stop the server and unload the file."""
    hint: str


def plan_service(service: Service, platform: str = sys.platform) -> ServicePlan:
    """Say what to write where, and what to run."""
    if platform == "win32":
        return _windows(service)
    if platform == "darwin":
        return _macos(service)
    return _linux(service)


def _linux(service: Service) -> ServicePlan:
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    unit = f"{SERVICE_NAME}.service"
    control = ["systemctl", "--user"]
    return ServicePlan(
        file=configuration / "systemd" / "user" / unit,
        text=systemd_unit(service),
        encoding="utf-8",
        # The unit is enabled and restarted, not enabled with --now, so that a changed unit is loaded too.
        start=[[*control, "daemon-reload"], [*control, "enable", unit], [*control, "restart", unit]],
        stop=[[*control, "disable", "--now", unit]],
        hint=f"it runs while you are logged in; 'loginctl enable-linger {getpass.getuser()}' keeps it "
        f"running. 'systemctl --user status {unit}' shows it",
    )


def _macos(service: Service) -> ServicePlan:
    domain = f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"
    file = Path.home() / "Library" / "LaunchAgents" / f"{LAUNCHD_LABEL}.plist"
    return ServicePlan(
        file=file,
        text=launchd_plist(service),
        encoding="utf-8",
        start=[["launchctl", "bootstrap", domain, str(file)]],
        stop=[["launchctl", "bootout", f"{domain}/{LAUNCHD_LABEL}"]],
        hint=f"it runs while you are logged in. 'launchctl print {domain}/{LAUNCHD_LABEL}' shows it",
    )


def _windows(service: Service) -> ServicePlan:
    domain, name = os.environ.get("USERDOMAIN", ""), getpass.getuser()
    file = service.home / "service.xml"
    return ServicePlan(
        file=file,
        text=windows_task(service, f"{domain}\\{name}" if domain else name),
        encoding="utf-16",
        start=[
            ["schtasks", "/Create", "/F", "/TN", TASK_NAME, "/XML", str(file)],
            ["schtasks", "/Run", "/TN", TASK_NAME],
        ],
        stop=[
            ["schtasks", "/End", "/TN", TASK_NAME],
            ["schtasks", "/Delete", "/F", "/TN", TASK_NAME],
        ],
        hint=f"it runs while you are logged in. 'schtasks /Query /TN \"{TASK_NAME}\"' shows it",
    )


def install_service(plan: ServicePlan, tell: Callable[[str], None]) -> bool:
    """Print the file, write it, and start the service. Return whether it was started.

    Raises:
        ServiceInstallError: when the file cannot be written.
    """
    tell(f"# {plan.file}")
    tell(plan.text)
    try:
        plan.file.parent.mkdir(parents=True, exist_ok=True)
        plan.file.write_text(plan.text, encoding=plan.encoding)
    except OSError as error:
        raise ServiceInstallError(f"cannot write {plan.file}: {error.strerror or error}") from error
    is_started = _run_all(plan.start, tell)
    if is_started:
        tell(f"the server is installed and runs; {plan.hint}")
    else:
        tell(f"{plan.file} is written but not started; once the above is mended, run:")
        for command in plan.start:
            tell(f"  {subprocess.list2cmdline(command)}")
    return is_started


def uninstall_service(plan: ServicePlan, tell: Callable[[str], None]) -> bool:
    """Stop the service and delete its file, and return whether there was one. The server's home stays.

    Raises:
        ServiceInstallError: when the file cannot be deleted.
    """
    if not plan.file.exists():
        tell(f"no service is installed ({plan.file} is not there)")
        return False
    _run_all(plan.stop, tell)
    try:
        plan.file.unlink()
    except OSError as error:
        raise ServiceInstallError(f"cannot delete {plan.file}: {error.strerror or error}") from error
    tell(f"deleted {plan.file}; jobs, keys and results stay in the server's home")
    return True


def _run_all(commands: Sequence[Sequence[str]], tell: Callable[[str], None]) -> bool:
    for command in commands:
        tell(f"$ {subprocess.list2cmdline(command)}")
        program = shutil.which(command[0])
        if program is None:
            tell(f"there is no {command[0]} on this machine")
            return False
        try:
            done = subprocess.run(
                [program, *command[1:]], capture_output=True, text=True, timeout=_COMMAND_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            tell(str(error))
            return False
        if done.returncode != 0:
            tell((done.stderr or done.stdout).strip() or f"it ended with status {done.returncode}")
            return False
    return True
