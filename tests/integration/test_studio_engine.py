"""An engine that a studio's own package brings, beside one whose package is broken: from the command line,
through a real server, and in the panel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.qt_session import qt, run_until
from tests.fakes.studio_packages import install_broken_engine, install_flat_engine
from tests.integration.command_case import FIRST, LAST, edit, new_job
from tests.integration.server_case import server_for
from void_engine.plates.exr.file import read_frame
from void_protocol.client import Client
from void_protocol.errors import ServerError
from void_protocol.job_file import read_job
from void_protocol.messages import JobState
from void_server.cli.exit_codes import ExitCode
from void_server.operation.server_process import ServerProcess
from void_server.settings import DEFAULT_RUNNER

__all__ = ["qt"]

INSIDE = (slice(28, 36), slice(44, 52))
"""Rows and columns well inside the matte."""


@pytest.fixture(scope="module", autouse=True)
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with both packages, on the path of every process that a test starts."""
    folder = tmp_path_factory.mktemp("studio")
    install_flat_engine(folder)
    install_broken_engine(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join((os.environ["PYTHONPATH"], str(folder))))
        yield folder


@pytest.fixture(scope="module")
def server(studio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_for(tmp_path_factory.mktemp("home"), runner=DEFAULT_RUNNER) as running:
        yield running


def void_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, which finds what is installed itself."""
    return subprocess.run(
        [sys.executable, "-m", "void_server", *map(str, arguments)],
        env=os.environ | {"COLUMNS": "300", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def painted(folder: Path, level: float) -> bool:
    """Whether the result has this level inside the matte and the plate outside, on every frame."""
    for number in range(FIRST, LAST + 1):
        clean = read_frame(folder / "out" / f"r_v001.{number:04d}.exr", number)
        plate = read_frame(folder / "shot" / f"plate.{number:04d}.exr", number)
        for channel in "RGB":
            if not np.all(clean.native(channel)[INSIDE] == np.float16(level)):
                return False
            if not np.array_equal(clean.native(channel)[:8], plate.native(channel)[:8]):
                return False
    return True


def test_void_run_uses_it(tmp_path: Path) -> None:
    job = new_job(tmp_path, engine="identity")
    edit(job, "settings", "match_seam", value=False)
    ran = void_process("run", job, "--engine", "flat")

    assert ran.returncode == 0, ran.stderr
    assert painted(tmp_path, 0.25)


def test_its_options_are_checked_before_any_work(tmp_path: Path) -> None:
    job = new_job(tmp_path, engine="flat")
    edit(job, "settings", "engine_options", value={"levle": 1.0})
    ran = void_process("run", job)
    assert ran.returncode == ExitCode.INVALID_JOB
    assert "engine option 'levle' is not known to 'flat'; did you mean 'level'?" in ran.stderr

    edit(job, "settings", "engine_options", value={"level": 9.0})
    ran = void_process("farm", "bundle", job, "--to", "openjd", "-o", tmp_path / "farm", "--no-submit")
    assert ran.returncode == ExitCode.INVALID_JOB
    assert "engine option level is 9.0; it must be in 0..8" in ran.stderr
    assert not (tmp_path / "farm").exists()


def test_void_engines_lists_it_and_the_broken_one_with_its_reason() -> None:
    listed = {one["name"]: one for one in json.loads(void_process("engines", "--json").stdout)}

    assert {"broken", "flat", "identity", "propagation", "void"} <= listed.keys()
    assert (listed["flat"]["title"], listed["flat"]["problem"]) == ("Flat colour", "")
    assert listed["propagation"]["title"] == "Propagation", "nobody takes the name of an engine of ours"
    assert "studio-broken is broken" in listed["broken"]["problem"]
    assert "a_package_that_nobody_has" in listed["broken"]["problem"]
    page = void_process("engines", "flat").stdout
    assert "level" in page
    assert "0..8" in page
    assert "The level that everything gets." in page
    broken = void_process("engines", "broken").stdout
    assert broken.startswith("broken\ncannot be used: its package studio-broken is broken"), broken
    refused = void_process("engines", "flot")
    assert refused.returncode != 0
    assert "did you mean 'flat'?" in refused.stderr


def test_a_farm_gets_the_variables_that_an_engine_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAT_LICENCE", "27000@licences")
    job = new_job(tmp_path, engine="flat")
    ran = void_process("farm", "bundle", job, "--to", "openjd", "-o", tmp_path / "farm", "--no-submit")
    assert ran.returncode == 0, ran.stderr
    assert "27000@licences" in (tmp_path / "farm" / "template.yaml").read_text()


def test_the_server_has_it(server: ServerProcess, tmp_path: Path) -> None:
    home = server.settings.home
    job_file = new_job(tmp_path, engine="flat")
    edit(job_file, "settings", "match_seam", value=False)
    job = read_job(job_file)
    with Client(server.connection()) as client:
        info = client.submit(job, transfer="streamed").done.result(60)
        assert (info.state, info.message) == (JobState.DONE, "")
        assert painted(tmp_path, 0.25)

        status = json.loads(void_process("status", "--json", "--home", home).stdout)
        told = {one["name"]: one for one in status["engines"]}
        assert told["flat"]["options"][0]["name"] == "level"
        assert told["flat"]["presets"] == {"finest": {"level": 4.0}}
        shown = void_process("status", "--once", "--home", home).stdout
        assert "Flat colour" in shown
        assert "studio-broken is broken" in shown

        edit(job_file, "job_id", value="another")
        edit(job_file, "output", "version", value=2)
        edit(job_file, "settings", "engine_options", value={"levle": 1.0})
        with pytest.raises(ServerError, match=r"'levle' is not known to 'flat'; did you mean 'level'"):
            client.submit(read_job(job_file), transfer="streamed").done.result(60)
        edit(job_file, "settings", value={"engine": "flot"})
        with pytest.raises(
            ServerError, match=r"settings.engine: there is no engine 'flot'; did you mean 'flat'"
        ):
            client.submit(read_job(job_file), transfer="streamed").done.result(60)


def test_the_panel_offers_it(server: ServerProcess, tmp_path: Path, qt: Any) -> None:
    widgets = pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)
    from tests.fakes.scene_host import SceneHost
    from tests.fakes.still_session import StillSession
    from void_nuke.panel.model import PanelModel
    from void_nuke.panel.server import ServerModel
    from void_nuke.ui.settings_form import SettingsForm

    link = ServerModel(server.settings.home)
    model = PanelModel(
        SceneHost(),
        link,
        preferences=tmp_path / "panel.json",
        session=StillSession(),  # type: ignore[arg-type]
    )
    form = SettingsForm(model)
    try:
        link.begin()
        run_until(qt, lambda: model.engines.told is not None, 30)
        (combo,) = [one for one in form.findChildren(widgets.QComboBox) if one.findData("propagation") >= 0]
        rows = {combo.itemData(row): row for row in range(combo.count())}
        assert {"auto", "broken", "flat", "propagation", "void"} <= rows.keys()
        assert "identity" not in rows, "it is no engine for artists"
        assert combo.itemText(rows["flat"]) == "Flat colour"
        assert combo.model().item(rows["flat"]).isEnabled()
        assert not combo.model().item(rows["broken"]).isEnabled()
        combo.setCurrentIndex(rows["flat"])
        model.change(quality="finest")
        settings = model.settings.job_settings(model.engines)
        assert (settings.engine, settings.engine_options) == ("flat", {"level": 4.0})
    finally:
        form.close()
        model.close()
        form.deleteLater()
        qt.processEvents()
