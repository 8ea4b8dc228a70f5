"""From marked shapes in the fake Nuke to a Read whose pixels are the truth, with a real server and engine."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its customary name
import pytest

from tests.fakes.fake_nuke.picture import evaluate
from tests.fakes.nuke_session import fresh_nuke, polygon, turn_until
from tests.integration.server_case import server_for
from void_protocol.client import Client
from void_protocol.job import MatteSettings, Settings
from void_server.demo.shot import render_demo_shot
from void_server.errors import ServiceError
from void_server.operation.server_process import ServerProcess
from void_server.settings import DEFAULT_RUNNER

fresh_nuke()
nuke_host = importlib.import_module("void_nuke.host.nuke_host")
from void_nuke.export.pick import MatteChoice, RemovalPick  # noqa: E402
from void_nuke.host.host import FrameRange  # noqa: E402
from void_nuke.jobs.session import RemovalSession  # noqa: E402
from void_nuke.jobs.tracked_job import Phase, TrackedJob  # noqa: E402

FIRST, LAST = 1001, 1009
WIDTH, HEIGHT = 160, 96


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_for(tmp_path_factory.mktemp("home"), runner=DEFAULT_RUNNER, cancel_grace_s=10.0) as running:
        yield running


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    with Client(server.connection()) as connected:
        yield connected


@pytest.fixture
def nuke() -> ModuleType:
    return fresh_nuke(width=WIDTH, height=HEIGHT)


def truth_picture() -> np.ndarray[Any, np.dtype[np.float32]]:
    """A still background of smooth light and fine texture, with a highlight above 1."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    chance = np.random.default_rng(4)
    grey = 0.3 + 0.2 * np.sin(columns / 11) * np.cos(rows / 7) + 0.05 * chance.random((HEIGHT, WIDTH))
    grey[10:16, 20:40] = 4.0
    return np.stack([grey, 0.8 * grey, 0.5 * grey], axis=2).astype(np.float16).astype(np.float32)


def object_left(frame: int) -> int:
    """Column where the object begins: it moves by more than its width, so that all of the wall is seen."""
    return 8 + 14 * (frame - FIRST)


@pytest.fixture
def shot(tmp_path: Path, nuke: ModuleType) -> Path:
    """A red block that moves over the wall; the plate on disk and in a Read, the roto around the block."""
    truth = truth_picture()
    for frame in range(FIRST, LAST + 1):
        picture = truth.copy()
        left = object_left(frame)
        picture[40:60, left : left + 16] = (2.0, 0.05, 0.05)
        spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, "half")
        buffer = oiio.ImageBuf(spec)
        assert buffer.set_pixels(oiio.ROI(), picture)
        assert buffer.write(str(tmp_path / f"plate.{frame}.exr"))
    read = nuke.nodes.Read(name="Plate")
    read["file"].setValue(str(tmp_path / "plate.%04d.exr"))
    read["first"].setValue(FIRST)
    read["last"].setValue(LAST)
    roto = nuke.nodes.Roto(name="Roto1")
    top, bottom = HEIGHT - 39.0, HEIGHT - 61.0
    x = object_left(FIRST) - 1.0
    block = polygon(
        "block", [(x, bottom), (x + 18, bottom), (x + 18, top), (x, top)], roto["curves"].rootLayer
    )
    for frame in range(FIRST, LAST + 1):
        block.getTransform().addTranslationKey(frame, object_left(frame) - object_left(FIRST), 0.0, 0.0)
    polygon("elsewhere", [(100.0, 4.0), (120.0, 4.0), (110.0, 20.0)], roto["curves"].rootLayer)
    return tmp_path


def pick_for(shot: Path, **changes: Any) -> RemovalPick:
    pick = RemovalPick(
        plate="Plate",
        frames=FrameRange(FIRST, LAST),
        output_pattern=str(shot / "out" / "clean_{version}.%04d.exr"),
        roto="Roto1",
        roles={"Root/block": "remove"},
        settings=Settings(engine="propagation", matte=MatteSettings(growth_px=1.0, softness_px=2.0)),
    )
    return replace(pick, **changes)


def run(session: RemovalSession, pick: RemovalPick) -> TrackedJob:
    job = session.start(pick)
    turn_until(lambda: session.job(job.job_id).phase.is_final, 120.0)
    return session.job(job.job_id)


def pixels(node: Any, frame: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    picture = evaluate(node, frame, 1.0)
    return np.stack([picture.planes[f"rgba.{name}"] for name in ("red", "green", "blue")], axis=2)


@pytest.mark.parametrize("shapes_only", [True, False], ids=["shapes", "rendered"])
def test_the_block_is_gone(nuke: ModuleType, shot: Path, client: Client, shapes_only: bool) -> None:
    heard: list[Phase] = []
    session = RemovalSession(nuke_host.NukeHost(), client, lambda job: heard.append(job.phase))
    steps = nuke.Undo.undoSize()
    job = run(session, pick_for(shot, shapes_only=shapes_only))
    assert (job.phase, job.message) == (Phase.DONE, "")
    assert job.frames_done == LAST - FIRST + 1
    assert (Phase.EXPORTING in heard, heard[-1]) == (True, Phase.DONE)
    read = nuke.toNode(job.read_node)
    assert (read["first"].value(), read["last"].value()) == (FIRST, LAST)
    assert read["colorspace"].value() == "scene_linear"
    assert "propagation" in read["label"].value()
    assert nuke.Undo.undoSize() == steps + 1
    truth = truth_picture()
    for frame in (FIRST, 1005, LAST):
        result = pixels(read, frame)
        left = object_left(frame)
        inside = np.abs(result - truth)[40:60, left : left + 16]
        assert np.median(inside) < 0.03, frame
        assert result[40:60, left : left + 16, 0].max() < 1.0, "the block is still there"
        outside = np.ones((HEIGHT, WIDTH), bool)
        outside[32:68, max(left - 8, 0) : left + 24] = False
        np.testing.assert_array_equal(result[outside], truth[outside])
    assert not list((shot / "out").glob("void_export_*")), "temporary mattes were left behind"
    session.close()


def test_a_comp_is_rendered_and_any_node_is_a_matte(nuke: ModuleType, shot: Path, client: Client) -> None:
    grade = nuke.nodes.Multiply(name="Grade", value=2.0)
    grade.setInput(0, nuke.toNode("Plate"))
    key = nuke.nodes.Roto(name="Key")
    polygon("all", [(0.0, 20.0), (160.0, 20.0), (160.0, 70.0), (0.0, 70.0)], key["curves"].rootLayer)
    pick = pick_for(
        shot,
        plate="Grade",
        roto="",
        roles={},
        mattes=(MatteChoice("remove", "Key"),),
        settings=Settings(engine="identity", match_seam=False),
    )
    session = RemovalSession(nuke_host.NukeHost(), client)
    job = run(session, pick)
    assert job.phase is Phase.DONE, job.message
    read = nuke.toNode(job.read_node)
    assert read["raw"].value()
    np.testing.assert_array_equal(pixels(read, 1003), pixels(grade, 1003).astype(np.float16))
    matte = evaluate(read, 1003, 1.0).planes["matte.alpha"]
    assert matte[HEIGHT - 40, 80] == 1.0
    assert matte[4, 80] == 0.0
    session.close()


def test_again_makes_v002_and_a_script_finds_its_jobs(nuke: ModuleType, shot: Path, client: Client) -> None:
    quick = pick_for(shot, settings=Settings(engine="identity"), compare=False)
    host = nuke_host.NukeHost()
    session = RemovalSession(host, client)
    first = run(session, quick)
    second = session.retry(first.job_id)
    # The script is saved while the second one runs, and Nuke is left.
    turn_until(lambda: session.job(second.job_id).phase not in (Phase.EXPORTING, Phase.SUBMITTING))
    nuke.scriptSaveAs(str(shot / "shot.nk"))
    session.close()
    assert (first.version, second.version) == (1, 2)
    nuke.scriptClear()
    again = RemovalSession(host, client)
    nuke.scriptOpen(str(shot / "shot.nk"))
    turn_until(lambda: len(again.jobs) == 2 and all(job.phase.is_final for job in again.jobs), 60.0)
    assert {job.version: job.phase for job in again.jobs} == {1: Phase.DONE, 2: Phase.DONE}
    files = sorted(Path(node["file"].value()).name for node in nuke.allNodes("Read"))
    assert files == ["clean_v001.%04d.exr", "clean_v002.%04d.exr", "plate.%04d.exr"]
    again.close()


def test_the_final_takes_the_previews_place(nuke: ModuleType, shot: Path, client: Client) -> None:
    """A quarter of the pixels first, seen at full size in the meantime; then the same Read has them all."""
    session = RemovalSession(nuke_host.NukeHost(), client)
    pick = pick_for(shot, compare=False)
    half = replace(pick, settings=msgspec.structs.replace(pick.settings, proxy_scale=0.5))
    preview = run(session, half)
    assert (preview.phase, preview.message) == (Phase.DONE, "")
    read = nuke.toNode(preview.read_node)
    assert (read["file"].value(), bool(read["proxy"].value())) == ("", True)
    assert oiio.ImageBuf(preview.result_pattern % FIRST).spec().full_width == WIDTH // 2
    assert pixels(read, FIRST).shape == (HEIGHT, WIDTH, 3)
    nuke.root()["proxy"].setValue(True)
    final = run(session, pick)
    nuke.root()["proxy"].setValue(False)
    assert (final.phase, final.version, final.read_node) == (Phase.DONE, 2, preview.read_node)
    assert (Path(read["file"].value()), read["proxy"].value()) == (Path(final.result_pattern), "")
    truth, result = truth_picture(), pixels(read, 1005)
    np.testing.assert_array_equal(result[:30], truth[:30])
    left = object_left(1005)
    assert np.median(np.abs(result - truth)[40:60, left : left + 16]) < 0.03
    assert Path(preview.result_pattern % FIRST).is_file(), "nothing is overwritten"
    session.close()


def test_what_a_terminal_exports_is_run_and_bundled(nuke: ModuleType, shot: Path) -> None:
    """The job files of ``nuke -t`` go through the real command: one is run, all become a farm's bundle."""
    from void_nuke.headless import DONE
    from void_nuke.headless import run as export

    nuke.scriptSaveAs(str(shot / "comp.nk"))
    listed = [
        {
            "name": name,
            "plate": "Plate",
            "roto": "Roto1",
            "roles": {path: "remove"},
            "frames": f"{FIRST}-{FIRST + 2}",
            "output": str(shot / "out" / "{name}_{version}.%04d.exr"),
            "settings": {"engine": "identity"},
        }
        for name, path in (("sh010", "Root/block"), ("sh020", "Root/else*"))
    ]
    (shot / "shots.json").write_text(json.dumps(listed))
    jobs = shot / "jobs"
    given = [str(shot / "comp.nk"), "--shots", str(shot / "shots.json"), "--jobs", str(jobs)]
    status = export(nuke_host.NukeHost(), [*given, "--farm", "openjd", "--python", sys.executable])
    report = json.loads((jobs / "report.json").read_text())
    assert status == DONE, report
    bundles = [path.parent.name for path in (jobs / "farm_openjd").rglob("template.*")]
    assert len(bundles) == 2, report

    ran = subprocess.run(
        [sys.executable, "-m", "void_server", "run", str(jobs / "sh010.json")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    plate = oiio.ImageBuf(str(shot / f"plate.{FIRST}.exr")).get_pixels(oiio.HALF)
    result = oiio.ImageBuf(str(shot / "out" / f"sh010_v001.{FIRST}.exr"))
    np.testing.assert_array_equal(result.get_pixels(oiio.HALF)[..., :3], plate)


def test_without_a_server_the_artist_hears_what_to_do(nuke: ModuleType, shot: Path) -> None:
    session = RemovalSession(nuke_host.NukeHost(), None)
    job = run(session, pick_for(shot))
    assert job.phase is Phase.FAILED
    assert "start it" in job.message
    assert not (shot / "out").exists() or not list((shot / "out").glob("void_export_*"))
    session.close()


def test_cancelled_in_the_progress_bar(nuke: ModuleType, shot: Path, client: Client) -> None:
    from tests.fakes.fake_nuke.state import STATE

    STATE.cancel_progress = True
    session = RemovalSession(nuke_host.NukeHost(), client)
    job = run(session, pick_for(shot))
    assert (job.phase, "nothing was submitted" in job.message) == (Phase.CANCELLED, True)
    session.close()


def test_the_demo_shot(nuke: ModuleType, tmp_path: Path, client: Client) -> None:
    """The demo's ball and shadow, drawn in a Roto node: nearer to the truth than the plate by far."""
    try:
        shot = render_demo_shot(tmp_path / "demo", width=256, height=144, frames=10, overscan_px=4)
    except ServiceError as error:
        pytest.skip(str(error))
    nuke = fresh_nuke(width=256, height=144)
    read = nuke.nodes.Read(name="Plate")
    read["file"].setValue(shot.plate_pattern)
    read["first"].setValue(shot.first_frame)
    read["last"].setValue(shot.last_frame)
    roto = nuke.nodes.Roto(name="Roto1")
    for drawn in shot.shapes:
        shape = polygon(drawn.name, [point[:2] for point in drawn.frames[0].points], roto["curves"].rootLayer)
        for at in drawn.frames:
            shape.getAttributes().addKey(at.frame, "vis", float(at.visible))
            for control, values in zip(shape, at.points, strict=True):
                for member, index in (
                    (control.center, 0),
                    (control.leftTangent, 2),
                    (control.rightTangent, 4),
                    (control.featherCenter, 6),
                    (control.featherLeftTangent, 8),
                    (control.featherRightTangent, 10),
                ):
                    member.addPositionKey(at.frame, values[index : index + 2])
    pick = RemovalPick(
        plate="Plate",
        frames=FrameRange(shot.first_frame, shot.last_frame),
        output_pattern=str(tmp_path / "out" / "clean_{version}.%04d.exr"),
        roto="Roto1",
        roles={f"Root/{drawn.name}": drawn.role for drawn in shot.shapes},
        settings=Settings(engine="propagation"),
    )
    session = RemovalSession(nuke_host.NukeHost(), client)
    job = run(session, pick)
    assert (job.phase, job.message) == (Phase.DONE, "")
    truth = nuke.nodes.Read(name="Truth")
    truth["file"].setValue(shot.truth_pattern)
    truth["first"].setValue(shot.first_frame)
    truth["last"].setValue(shot.last_frame)
    before = after = 0.0
    for frame in shot.frame_numbers:
        wanted, plate = pixels(truth, frame), pixels(read, frame)
        result = pixels(nuke.toNode(job.read_node), frame)
        touched = np.abs(plate - wanted).max(axis=2) > 0.01
        before += float(np.abs(plate - wanted)[touched].sum())
        after += float(np.abs(result - wanted)[touched].sum())
    assert before > 0
    assert after < 0.5 * before, f"error {after:.1f} of {before:.1f} is left"
    session.close()
