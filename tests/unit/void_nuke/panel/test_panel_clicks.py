"""Clicks in the panel, without a widget: kept, sent as a job, and used by a removal and a proposal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("PySide6.QtCore", reason="the panel's model needs Qt", exc_type=ImportError)

from tests.fakes.proposed_files import box_ring, write_proposed_files
from tests.fakes.qt_session import run_until
from tests.fakes.scene_host import plate_of
from tests.unit.void_nuke.panel.test_model import Case, closed
from void_nuke.export.export import Exported
from void_nuke.export.job_builder import build_job
from void_nuke.export.pick import FileMatte
from void_nuke.jobs.script_notes import begun_record
from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel.kept_proposal import encoded
from void_nuke.panel.settings import PanelSettings, to_plain, with_plain
from void_protocol.job import Settings
from void_protocol.proposal import (
    FrameReport,
    ProposalReport,
    proposal_path,
    write_proposal,
)
from void_protocol.task import MakeMattes, PointPrompt, PromptedObject

__all__ = ["closed"]


@pytest.fixture
def case(tmp_path: Path, qt: Any) -> Case:
    made = Case(tmp_path)
    made.model.use_selection()
    return made


def _made(case: Case, folder: Path, qt: Any, *, share: float = 0.1) -> str:
    """Press Make matte, and let the server be done. Return the pattern of the files."""
    job = case.model.make_matte()
    assert job is not None
    assert case.model.is_making_matte
    pattern = str(folder / "object_v001" / "object_v001.%04d.exr")
    Path(pattern).parent.mkdir(exist_ok=True)
    frames = [FrameReport(frame=n, kinds={"object": share} if share else {}) for n in range(1001, 1041)]
    report = ProposalReport(
        release="1", shot="sh010", job_id=job.job_id, matte=pattern, sources=["segmentation"], frames=frames
    )
    write_proposal(report, proposal_path(pattern))
    case.session.change(job, phase=Phase.DONE, result_pattern=pattern, plate="Read1")
    run_until(qt, lambda: not case.model.is_making_matte)
    return pattern


def test_clicks_become_a_job_without_shapes(case: Case) -> None:
    model = case.model
    assert "nothing is marked" in model.matte_problem().lower()
    model.click(1003, 12.5, 30)
    model.click(1003, 1, 2, outside=True)
    assert model.matte_problem() == ""
    assert model.make_matte() is not None
    pick = case.started()
    assert (pick.is_removal, pick.roto, pick.roles, pick.files) == (False, "", {}, ())
    assert "Read1_object_{version}" in pick.output_pattern
    job = build_job(
        replace(pick, settings=Settings(seed=7, proxy_scale=0.25)),
        Exported(plate_of(), "/p.%04d.exr", "scene_linear", (), (), None, None, ()),
        job_id="0" * 32,
        version=1,
    )
    points = [PointPrompt(frame=1003, x=12.5, y=30), PointPrompt(frame=1003, x=1, y=2, outside=True)]
    assert job.task == MakeMattes(objects=[PromptedObject(points=points)])
    assert job.settings == Settings(seed=7)
    record = begun_record(pick, job_id="0" * 32, name="sh010", version=1, created_at=0.0)
    assert (record.engine, record.task, record.compare) == ("mattes", "mattes", False)


def test_what_prevents_a_matte_is_said(case: Case) -> None:
    model = case.model
    model.click(1003, 1, 2, outside=True)
    assert "click on the object too" in model.matte_problem()
    model.click(900, 1, 2)
    assert "900" in model.matte_problem()
    assert model.make_matte() is None
    assert case.said[-1][1]


def test_the_matte_is_what_goes_and_what_a_proposal_is_about(case: Case, tmp_path: Path, qt: Any) -> None:
    model = case.model
    model.click(1003, 12, 30)
    pattern = _made(case, tmp_path, qt)
    matte = FileMatte("remove", pattern, "object.A", 0.0)
    assert model.problem() == ""
    assert model.wanted().files == (matte,)
    assert model.proposal_pick().files == (matte,)
    # Duplicate brings the matte back.
    kept = model.wanted().clicked
    model.forget_clicks()
    assert (model.clicks, model.clicked) == ([], None)
    assert "mark at least one" in model.problem()
    model.change(clicked=kept)
    assert model.wanted().files == (matte,)
    # It is of its plate, and of its frames.
    shorter = msgspec.structs.replace(model.clicked, first_frame=1010)  # type: ignore[type-var] # it is there
    model.change(clicked=encoded(shorter))
    assert "make the matte again" in model.problem()
    model.change(plate="Read2")
    assert model.clicked is None


def test_its_outline_is_drawn(case: Case, tmp_path: Path, qt: Any) -> None:
    model = case.model
    model.click(1003, 12, 30)
    pattern = _made(case, tmp_path, qt)
    ring = box_ring(10, 20, 40, 60)
    write_proposed_files(pattern, [], {1003: {"object": [ring]}}, job_id="x")
    run_until(qt, lambda: len(model.drawn(1003)) == 1)
    drawn = model.drawn(1003)[0]
    assert (drawn.role, drawn.accepted, list(drawn.rings[0])) == ("remove", True, ring)
    assert model.drawn(1004) == []


def test_where_nothing_is_found_nothing_is_removed(case: Case, tmp_path: Path, qt: Any) -> None:
    case.model.click(1003, 12, 30)
    _made(case, tmp_path, qt, share=0.0)
    assert "Nothing was found where you clicked" in case.said[-1][0]
    assert "mark at least one" in case.model.problem()


def test_a_cancelled_matte_leaves_the_clicks(case: Case) -> None:
    case.model.click(1003, 12, 30)
    job = case.model.make_matte()
    assert job is not None
    case.session.change(job, phase=Phase.CANCELLED)
    assert not case.model.is_making_matte
    assert len(case.model.clicks) == 1


def test_a_matte_that_is_tried_again_is_awaited_again(case: Case, tmp_path: Path, qt: Any) -> None:
    case.model.click(1003, 12, 30)
    job = case.model.make_matte()
    assert job is not None
    case.session.change(job, phase=Phase.FAILED, message="no memory")
    case.model.retry(job.job_id)
    assert case.model.is_making_matte
    again = case.model.session.jobs[0]
    assert again.job_id != job.job_id
    assert case.model.settings.clicked_job == again.job_id


def test_a_matte_put_back_brings_its_clicks_and_leaves_the_marks(case: Case) -> None:
    model = case.model
    model.set_role(["Root/arm/hand"], "affected")
    model.click(1003, 12, 30)
    job = model.make_matte()
    assert job is not None
    model.forget_clicks()
    model.duplicate(job.job_id)
    assert model.clicks == [PointPrompt(frame=1003, x=12, y=30)]
    assert model.shapes.roles() == {"Root/arm/hand": "affected"}


def test_clicks_into_another_plate_are_dropped(case: Case) -> None:
    case.model.click(1003, 12, 30)
    case.host.plates["Read2"] = plate_of("Read2")
    case.model.pick(plate="Read1")
    assert len(case.model.clicks) == 1
    case.model.pick(plate="Read2")
    assert case.model.clicks == []


def test_a_removal_of_another_plate_that_is_put_back_has_no_clicks(case: Case) -> None:
    """They are positions in the picture of the plate that was picked when they were made."""
    model = case.model
    model.set_role(["Root/arm/hand"], "remove")
    job = model.remove()
    assert job is not None
    case.host.plates["Read2"] = plate_of("Read2")
    model.pick(plate="Read2")
    model.click(1003, 12, 30)
    model.duplicate(job.job_id)
    assert (model.settings.plate, model.clicks) == ("Read1", [])


def test_each_view_has_clicks_of_its_own(case: Case) -> None:
    """The object lies elsewhere in the picture of the other eye."""
    model = case.model
    case.host.plates["Read1"] = plate_of(views=("left", "right"))
    model.refresh()
    model.click(1003, 12, 30)
    model.change(view="right")
    assert model.clicks == []
    assert "nothing is marked" in model.matte_problem().lower()
    model.click(1003, 8, 30)
    model.click(1004, 9, 30)
    assert model.matte_pick().clicks == tuple(model.clicks)
    model.drop_click(model.clicks[0])
    assert [click.x for click in model.clicks] == [9]
    model.forget_clicks()
    assert model.clicks == []
    model.change(view="left")
    assert [click.x for click in model.clicks] == [12]


def test_clicks_stay_with_the_script_and_what_is_none_is_left_out(case: Case) -> None:
    case.model.click(-3, 12.257, 30, outside=True)
    kept = msgspec.json.decode(msgspec.json.encode(to_plain(case.model.settings, "script")))
    case.model.settings = with_plain(PanelSettings(), {**kept, "plate": "Read1"}, "script")
    assert case.model.clicks == [PointPrompt(frame=-3, x=12.26, y=30, outside=True)]
    wrong = [["1", "2"], ["x", "1,2"], ["1", "nan,2"], ["1", "1,2,3"], ["1", "1e99,2"], ["1", "5,6"]]
    case.model.settings = with_plain(PanelSettings(), {"clicks": wrong}, "script")
    assert case.model.clicks == [PointPrompt(frame=1, x=5, y=6)]
