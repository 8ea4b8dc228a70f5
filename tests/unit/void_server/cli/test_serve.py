from __future__ import annotations

from pathlib import Path

import pytest
import tomllib
from typer.testing import CliRunner

from void_server.cli.commands import app, load_command
from void_server.cli.exit_codes import ExitCode
from void_server.settings import ServerSettings


@pytest.mark.parametrize(
    ("words", "devices"),
    [
        ([], ("auto",)),
        (["--workers", "1"], ("auto",)),
        (["--workers", "3"], ("cpu", "cpu", "cpu")),
        (["--device", "cuda:0", "--device", "cuda:1"], ("cuda:0", "cuda:1")),
        (["--device", "cuda:0", "--device", "cpu", "--workers", "2"], ("cuda:0", "cuda:0", "cpu", "cpu")),
    ],
)
def test_a_worker_for_each_device(
    words: list[str], devices: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served: list[ServerSettings] = []
    monkeypatch.setattr("void_server.cli.serve._serve_here", lambda settings: served.append(settings))
    assert CliRunner().invoke(app, ["serve", "--home", str(tmp_path), *words]).exit_code == 0
    assert served[0].devices == devices
    assert served[0].operators == ("local",)


def test_what_is_wrong_is_told_before_anything_starts(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["serve", "--home", str(tmp_path), "--device", "gpu"])
    assert ran.exit_code == ExitCode.INVALID_JOB
    assert "--device: 'gpu' does not fit; use 'auto'" in ran.stderr


def test_the_configuration_is_shown_and_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("void_server.cli.serve._serve_here", lambda settings: pytest.fail("it runs"))
    monkeypatch.setenv("VOID_HOME", str(tmp_path))
    (tmp_path / "server.toml").write_text("log_days = 2\n")
    ran = CliRunner().invoke(app, ["serve", "--grace", "60", "--set", "spool_bytes=5G", "--show-config"])
    assert ran.exit_code == 0, ran.output
    shown = tomllib.loads(ran.stdout)
    assert shown["home"] == str(tmp_path)
    assert (shown["stop_grace_s"], shown["log_days"], shown["spool_bytes"]) == (60.0, 2.0, "5G")
    assert f"log_days = 2.0 # {tmp_path / 'server.toml'}\n" in ran.stdout
    assert f'home = "{tmp_path}" # VOID_HOME\n' in ran.stdout
    assert "stop_grace_s = 60.0 # --grace\n" in ran.stdout


def test_an_option_for_what_people_type_and_no_other() -> None:
    command = load_command("serve")
    names = {name for one in command.params for name in one.opts}
    assert names == {
        "--home", "--endpoint", "--allow-remote", "--read-root", "--output-root", "--grace", "--device",
        "--models", "--workers", "--config", "--set", "--show-config", "--install-service",
        "--uninstall-service", "--detach", "--stop",
    }  # fmt: skip


def test_a_service_is_removed_although_its_file_of_settings_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[object] = []

    def remove(plan: object, tell: object) -> bool:
        removed.append(plan)
        return True

    monkeypatch.setattr("void_server.cli.serve.uninstall_service", remove)
    gone = str(tmp_path / "gone.toml")
    words = ["serve", "--home", str(tmp_path), "--config", gone]
    assert CliRunner().invoke(app, [*words, "--uninstall-service"]).exit_code == 0
    assert len(removed) == 1
    assert CliRunner().invoke(app, [*words, "--show-config"]).exit_code != 0
