from __future__ import annotations

import plistlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import tomllib
from typer.testing import CliRunner

from void_server.cli.commands import app
from void_server.cli.exit_codes import ExitCode
from void_server.cli.serve import service_command
from void_server.operation import service
from void_server.operation.service import install_service, plan_service, uninstall_service
from void_server.operation.service_files import Service, launchd_plist, systemd_unit, windows_task
from void_server.settings import ServerSettings

AWKWARD = [
    "/opt/my tools/python",
    "-m",
    "void_server",
    "--home",
    '/home/anna/100% "void" $HOME',
    "C:\\plates\\",
]
NAMESPACE = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}


def service_of(home: Path, command: list[str] | None = None) -> Service:
    return Service(command=command or AWKWARD, home=home, stop_grace_s=60.0)


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "void-nuke.service"
    unit.write_text(systemd_unit(service_of(tmp_path, [sys.executable, *AWKWARD[1:]])))
    checked = subprocess.run(
        [verify, "--user", "verify", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
    )
    said = [line for line in checked.stderr.splitlines() if "void-nuke.service" in line]
    assert said == [], checked.stderr
    unit.write_text(unit.read_text().replace("KillMode=mixed", "KillMode=sometimes"))
    broken = subprocess.run(
        [verify, "--user", "verify", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
    )
    assert "kill mode" in broken.stderr.lower()  # so that the check above can fail


def test_a_unit_stops_the_broker_gently_and_starts_it_again(tmp_path: Path) -> None:
    text = systemd_unit(service_of(tmp_path))
    for line in (
        "Restart=on-failure",
        "KillMode=mixed",
        "TimeoutStopSec=90",
        "UMask=0077",
        "WantedBy=default.target",
    ):
        assert f"\n{line}\n" in text
    command = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert command is not None
    assert command[1] == (
        '"/opt/my tools/python" -m void_server --home "/home/anna/100%% \\"void\\" $$HOME" "C:\\\\plates\\\\"'
    )


def test_an_agent_for_launchd(tmp_path: Path) -> None:
    agent = plistlib.loads(launchd_plist(service_of(tmp_path)).encode())
    assert agent["ProgramArguments"] == AWKWARD
    assert agent["RunAtLoad"] is True
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["ExitTimeOut"] == 90
    assert PurePosixPath(agent["StandardErrorPath"]).name == "service.log"


def test_a_task_for_windows(tmp_path: Path) -> None:
    text = windows_task(service_of(tmp_path), "STUDIO\\anna & ben")
    assert text.startswith('<?xml version="1.0" encoding="UTF-16"?>')
    root = ET.fromstring(text.encode("utf-16"))
    found = {
        path: root.findtext(path, namespaces=NAMESPACE)
        for path in (
            "t:Triggers/t:LogonTrigger/t:UserId",
            "t:Principals/t:Principal/t:RunLevel",
            "t:Settings/t:ExecutionTimeLimit",
            "t:Actions/t:Exec/t:Command",
            "t:Actions/t:Exec/t:Arguments",
        )
    }
    assert list(found.values()) == [
        "STUDIO\\anna & ben",
        "LeastPrivilege",
        "PT0S",
        AWKWARD[0],
        '-m void_server --home "/home/anna/100% \\"void\\" $HOME" C:\\plates\\',
    ]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_installing_writes_and_starts_and_uninstalling_takes_it_away(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    ran: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command[1:])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(service.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(service.subprocess, "run", run)
    said: list[str] = []
    plan = plan_service(service_of(tmp_path), platform)
    assert install_service(plan, said.append)
    assert plan.file.read_text(plan.encoding) == plan.text
    assert plan.text in said
    assert str(tmp_path) in str(plan.file)
    assert any(word in ran[0] for word in ("daemon-reload", "bootstrap", "/Create"))
    assert uninstall_service(plan, said.append)
    assert not plan.file.exists()
    assert any(word in ran[-1] for word in ("disable", "bootout", "/Delete"))
    assert not uninstall_service(plan, said.append)
    assert "no service is installed" in said[-1]


def test_what_cannot_be_started_is_told_with_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(service.shutil, "which", lambda name: None)
    said: list[str] = []
    plan = plan_service(service_of(tmp_path), "linux")
    assert not install_service(plan, said.append)
    assert plan.file.exists()
    assert "there is no systemctl on this machine" in said
    assert "  systemctl --user restart void-nuke.service" in said
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(service.ServiceInstallError, match="cannot write"):
        install_service(plan_service(service_of(tmp_path), "linux"), said.append)


@pytest.fixture
def no_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a service manager; the unit that is written there."""
    if sys.platform != "linux":
        pytest.skip("writes where systemd looks")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(service.shutil, "which", lambda name: None)
    return tmp_path / "config" / "systemd" / "user" / "void-nuke.service"


def test_the_service_is_the_server_that_the_command_line_meant(
    no_manager: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit's command, typed in with nothing in the environment, gives the settings it was made of."""
    (tmp_path / "plates").mkdir()
    home = tmp_path / "a home"
    words = [
        "serve", "--home", str(home), "--endpoint", "tcp://127.0.0.1:5999", "--device", "cuda:1",
        "--device", "cpu", "--workers", "2", "--read-root", str(tmp_path / "plates"), "--grace", "45",
        "--set", "operators=local", "--set", "operators=eve", "--set", "cache_bytes=5G",
        "--set", "stage_limits_s.encoding plate=60", "--set", "metrics_port=9100",
    ]  # fmt: skip
    monkeypatch.setenv("VOID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VOID_MODELS", str(tmp_path / "models"))
    served: list[ServerSettings] = []
    monkeypatch.setattr("void_server.cli.serve._serve_here", served.append)
    assert CliRunner().invoke(app, words).exit_code == 0
    ran = CliRunner().invoke(app, [*words, "--install-service"])
    assert ran.exit_code == 1, ran.output  # written, and not started
    assert f"the settings are written to {home / 'server.toml'}" in ran.output
    text = no_manager.read_text()
    assert f'ExecStart={sys.executable} -P -m void_server serve --config "{home}/server.toml"\n' in text
    assert "TimeoutStopSec=75" in text
    monkeypatch.delenv("VOID_CACHE")
    monkeypatch.delenv("VOID_MODELS")
    monkeypatch.chdir(tmp_path)
    command = service_command(home / "server.toml")
    assert command[1:4] == ["-P", "-m", "void_server"]
    assert CliRunner().invoke(app, command[4:]).exit_code == 0
    assert served[0] == served[1]
    assert served[0].devices == ("cuda:1", "cuda:1", "cpu", "cpu")
    assert served[0].cache_folder == tmp_path / "cache"


def test_a_file_that_is_there_is_used_and_never_overwritten(no_manager: Path, tmp_path: Path) -> None:
    file = tmp_path / "studio.toml"
    file.write_text(f'home = "{tmp_path}/home"\njob_days = 3\n')
    install = ["serve", "--config", str(file), "--install-service"]
    assert "--config" in CliRunner().invoke(app, install).output
    assert f"--config {file}\n" in no_manager.read_text()
    assert not (tmp_path / "home" / "server.toml").exists()
    no_manager.unlink()
    ran = CliRunner().invoke(app, [*install, "--set", "job_days=4", "--device", "cpu"])
    assert ran.exit_code == ExitCode.INVALID_JOB
    assert f"{file}: job_days and devices: the service reads its settings from this file alone" in ran.stderr
    assert 'devices = ["cpu"] # --device\n' in ran.stderr
    assert file.read_text().endswith("job_days = 3\n")
    assert not no_manager.exists()
    agreeing = CliRunner().invoke(app, [*install, "--set", "job_days=3"])
    assert no_manager.exists(), agreeing.output


def test_another_file_can_be_written_for_the_service(no_manager: Path, tmp_path: Path) -> None:
    """What the file in the home says goes into it too."""
    home, file = tmp_path / "home", tmp_path / "service.toml"
    home.mkdir()
    (home / "server.toml").write_text("job_days = 3\n")
    words = ["serve", "--home", str(home), "--config", str(file), "--device", "cpu", "--install-service"]
    ran = CliRunner().invoke(app, words)
    assert f"the settings are written to {file}" in ran.output
    written = tomllib.loads(file.read_text())
    assert written == {"home": str(home), "job_days": 3.0, "devices": ["cpu"]}
    assert f"--config {file}\n" in no_manager.read_text()


def test_the_command_installs_for_this_user(no_manager: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran = CliRunner().invoke(app, ["serve", "--home", str(home), "--grace", "60", "--install-service"])
    assert ran.exit_code == 1  # written, and not started
    assert no_manager.read_text() in ran.output
    assert f"--config {home}/server.toml" in no_manager.read_text()
    assert "--install-service" not in no_manager.read_text()
    assert CliRunner().invoke(app, ["serve", "--home", str(home), "--uninstall-service"]).exit_code == 0
    assert not no_manager.exists()
    assert (home / "server.toml").exists()
