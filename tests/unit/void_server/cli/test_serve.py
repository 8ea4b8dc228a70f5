from __future__ import annotations

import pytest
from typer.testing import CliRunner

from void_server.cli.app import app
from void_server.cli.exit_codes import ExitCode
from void_server.settings import ServerSettings


@pytest.mark.parametrize(
    ("words", "devices"),
    [
        ([], ("auto",)),
        (["--workers", "3"], ("cpu", "cpu", "cpu")),
        (["--device", "cuda:0", "--device", "cuda:1"], ("cuda:0", "cuda:1")),
        (["--device", "cuda:0", "--device", "cpu", "--workers", "2"], ("cuda:0", "cuda:0", "cpu", "cpu")),
    ],
)
def test_a_worker_for_each_device(
    words: list[str], devices: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    served: list[ServerSettings] = []
    monkeypatch.setattr("void_server.cli.serve._serve_here", lambda settings, models: served.append(settings))
    assert CliRunner().invoke(app, ["serve", "--home", str(tmp_path), *words]).exit_code == 0
    assert served[0].devices == devices
    assert served[0].operators == ("local",)


def test_what_is_wrong_is_told_before_anything_starts(tmp_path: object) -> None:
    ran = CliRunner().invoke(app, ["serve", "--home", str(tmp_path), "--device", "gpu"])
    assert ran.exit_code == ExitCode.INVALID_JOB
    assert "'gpu' is none" in ran.stderr
