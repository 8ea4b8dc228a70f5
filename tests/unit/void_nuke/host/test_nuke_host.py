"""The adapter with a viewer, with several views, with a wide plate: what the contract cannot set up."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from types import ModuleType

import OpenImageIO as oiio  # noqa: N813 - its customary name
import pytest

from tests.fakes.fake_nuke.state import STATE
from tests.fakes.nuke_session import fresh_nuke, polygon

fresh_nuke()
nuke_host = importlib.import_module("void_nuke.host.nuke_host")
from void_nuke.errors import ExportError, SelectionError  # noqa: E402
from void_nuke.export.export import export_removal  # noqa: E402
from void_nuke.export.frame_range import choose_range  # noqa: E402
from void_nuke.export.job_builder import build_job  # noqa: E402
from void_nuke.export.pick import RemovalPick  # noqa: E402
from void_nuke.host.host import FrameRange  # noqa: E402
from void_protocol.errors import JobError  # noqa: E402


@pytest.fixture
def nuke() -> ModuleType:
    made = fresh_nuke()
    made.nodes.CheckerBoard2(name="Board")
    roto = made.nodes.Roto(name="Roto1")
    polygon("ball", [(10.0, 10.0), (30.0, 10.0), (20.0, 30.0)], roto["curves"].rootLayer)
    return made


def pick_for(folder: Path, **changes: object) -> RemovalPick:
    values: dict[str, object] = {
        "plate": "Board",
        "frames": FrameRange(1, 2),
        "output_pattern": str(folder / "clean_{version}.%04d.exr"),
        "roto": "Roto1",
        "roles": {"Root/ball": "remove"},
    }
    return RemovalPick(**{**values, **changes})  # type: ignore[arg-type]


def test_the_viewers_points_count_only_while_they_are_locked(nuke: ModuleType) -> None:
    host = nuke_host.NukeHost()
    STATE.viewer = nuke.nodes.Viewer(name="Viewer1")
    STATE.viewer["frame_range"].setValue("1005-1012")
    assert host.script_ranges().viewer is None
    STATE.viewer["frame_range_lock"].setValue(True)
    ranges = host.script_ranges()
    assert ranges.viewer == FrameRange(1005, 1012)
    assert choose_range("viewer", FrameRange(1001, 1040), ranges, handles=2) == FrameRange(1003, 1014)


def test_a_terminal_has_no_viewer() -> None:
    nuke = fresh_nuke(gui=False)
    STATE.viewer = nuke.nodes.Viewer(name="Viewer1")
    STATE.viewer["frame_range_lock"].setValue(True)
    assert nuke_host.NukeHost().script_ranges().viewer is None


def test_every_render_names_the_picks_view(nuke: ModuleType, tmp_path: Path) -> None:
    STATE.views = ["left", "right"]
    host = nuke_host.NukeHost()
    pick = pick_for(tmp_path, view="right")
    exported = export_removal(host, pick, tmp_path / "export")
    assert set(STATE.executed_views) == {("right",)}
    assert len(STATE.executed_views) == 4, "two frames of plate and matte"
    assert build_job(pick, exported, job_id="a", version=1).shot.view == "right"


def test_a_view_that_the_script_has_not_is_named(nuke: ModuleType, tmp_path: Path) -> None:
    STATE.views = ["left", "right"]
    with pytest.raises(ExportError, match="no view 'main'; choose one of left, right"):
        export_removal(nuke_host.NukeHost(), pick_for(tmp_path), tmp_path / "export")


def test_an_anamorphic_plate_with_overscan_becomes_a_job_for_its_format(
    nuke: ModuleType, tmp_path: Path
) -> None:
    nuke.addFormat("48 64 2.0 squeezed")
    nuke.toNode("Board")["format"].setValue("squeezed")
    wider = nuke.nodes.Crop(name="Wider")
    wider.setInput(0, nuke.toNode("Board"))
    wider["box"].setValue([-6.0, -2.0, 54.0, 66.0])
    pick = pick_for(tmp_path, plate="Wider")
    job = build_job(pick, export_removal(nuke_host.NukeHost(), pick, tmp_path / "x"), job_id="a", version=1)
    assert (job.shot.format.width, job.shot.format.height, job.shot.format.pixel_aspect) == (48, 64, 2.0)
    spec = oiio.ImageBuf(job.shot.plate % 1).spec()
    assert (spec.x, spec.y, spec.width, spec.height) == (-6, -2, 60, 68)
    assert (spec.full_width, spec.full_height) == (48, 64)
    assert spec.get_float_attribute("PixelAspectRatio") == 2.0
    matte = oiio.ImageBuf(job.mattes[0].pattern % 1).spec()
    assert (matte.full_width, matte.full_height) == (48, 64)


def test_a_point_that_is_no_number_is_told_with_its_shape(nuke: ModuleType, tmp_path: Path) -> None:
    """An expression that divides by zero in a roto layer's transform."""
    ball = nuke.toNode("Roto1")["curves"].rootLayer[0]
    ball[1].center.addPositionKey(1, (math.nan, 10.0))
    pick = pick_for(tmp_path, shapes_only=True)
    exported = export_removal(nuke_host.NukeHost(), pick, tmp_path / "x")
    with pytest.raises(JobError, match=r"shapes\[0\].*(nan|finite|number)"):
        build_job(pick, exported, job_id="a", version=1)


def test_a_script_that_cannot_be_opened_is_named(nuke: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match=r"lost\.nk cannot be opened .*; check its path"):
        nuke_host.NukeHost().open_script(str(tmp_path / "lost.nk"))
