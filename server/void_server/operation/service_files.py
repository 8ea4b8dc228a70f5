"""Writes the files that make the server a service of one user: for systemd, launchd and the Windows task
scheduler.

The files are plain text made from plain values; :mod:`void_server.operation.service` puts them in place.
"""

from __future__ import annotations

import plistlib
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SERVICE_NAME = "void-nuke"
LAUNCHD_LABEL = "org.void-nuke.server"
TASK_NAME = "VOID for Nuke server"
_TASK_SPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_KILL_MARGIN_S = 30
"""Seconds beyond the grace of running jobs, for stopping the workers and the last commit."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """The server that the service runs."""

    command: Sequence[str]
    """The program and its arguments."""
    home: Path
    stop_grace_s: float

    @property
    def stop_limit_s(self) -> int:
        """The server is killed no earlier than this many seconds after a stop was requested."""
        return int(self.stop_grace_s) + _KILL_MARGIN_S


def systemd_unit(service: Service) -> str:
    """Return a unit for ``~/.config/systemd/user``; see systemd.service(5)."""
    lines = [
        "[Unit]",
        "Description=VOID for Nuke: the server that removes objects from shots",
        "After=network.target",
        "StartLimitIntervalSec=300",
        "StartLimitBurst=10",
        "",
        "[Service]",
        "Type=simple",
        f"ExecStart={' '.join(_systemd_word(word) for word in service.command)}",
        "Restart=on-failure",
        "RestartSec=5",
        # The broker stops its workers itself, so only what is left after the limit is killed with the group.
        "KillMode=mixed",
        "KillSignal=SIGTERM",
        f"TimeoutStopSec={service.stop_limit_s}",
        "UMask=0077",
        "NoNewPrivileges=yes",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def _systemd_word(word: str) -> str:
    """Quote one argument, with systemd's own ``%`` and ``$`` doubled."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[A-Za-z0-9_./:=,@%$+-]+", escaped) else f'"{escaped}"'


def launchd_plist(service: Service) -> str:
    """Return an agent for ``~/Library/LaunchAgents``; see launchd.plist(5)."""
    output = str(service.home / "logs" / "service.log")
    agent = {
        "Label": LAUNCHD_LABEL,
        "ProgramArguments": list(service.command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10,
        "ExitTimeOut": service.stop_limit_s,
        "ProcessType": "Interactive",  # other types are slowed down in favour of programs with windows
        "Umask": 0o077,
        "StandardOutPath": output,
        "StandardErrorPath": output,
    }
    return plistlib.dumps(agent, sort_keys=False).decode()


def windows_task(service: Service, user: str) -> str:
    """Return a task for the scheduler that starts when ``user`` (``DOMAIN\\name``) logs on; see
    schtasks.exe."""
    task = ET.Element("Task", {"version": "1.2", "xmlns": _TASK_SPACE})
    ET.SubElement(
        ET.SubElement(task, "RegistrationInfo"), "Description"
    ).text = "The server that removes objects from shots"
    logon = ET.SubElement(ET.SubElement(task, "Triggers"), "LogonTrigger")
    _texts(logon, Enabled="true", UserId=user)
    principal = ET.SubElement(ET.SubElement(task, "Principals"), "Principal", {"id": "Author"})
    _texts(principal, UserId=user, LogonType="InteractiveToken", RunLevel="LeastPrivilege")
    settings = ET.SubElement(task, "Settings")
    _texts(
        settings,
        MultipleInstancesPolicy="IgnoreNew",
        DisallowStartIfOnBatteries="false",
        StopIfGoingOnBatteries="false",
        ExecutionTimeLimit="PT0S",  # the task is never ended for its age
        Hidden="true",
    )
    _texts(ET.SubElement(settings, "RestartOnFailure"), Interval="PT1M", Count="999")
    action = ET.SubElement(ET.SubElement(task, "Actions", {"Context": "Author"}), "Exec")
    program, *arguments = service.command
    _texts(action, Command=program, Arguments=subprocess.list2cmdline(arguments))
    ET.indent(task)
    return '<?xml version="1.0" encoding="UTF-16"?>\n' + ET.tostring(task, encoding="unicode") + "\n"


def _texts(parent: ET.Element, **texts: str) -> None:
    for name, text in texts.items():
        ET.SubElement(parent, name).text = text
