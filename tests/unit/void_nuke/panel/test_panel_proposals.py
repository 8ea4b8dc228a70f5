"""Proposals in the panel, without a widget: asked for, taken over, accepted, kept, and used by a removal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtCore", reason="the panel's model needs Qt", exc_type=ImportError)

from tests.fakes.proposed_files import box_ring, write_proposed_files
from tests.fakes.qt_session import run_until
from tests.fakes.scene_host import SceneHost, plate_of, square
from tests.unit.void_nuke.panel.test_model import RUNNING, Case, closed
from void_nuke.export.export import Exported
from void_nuke.export.job_builder import build_job
from void_nuke.host.host import FrameRange
from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel.server import ServerPicture
from void_protocol.job import RotoShape
from void_protocol.proposal import Thing
from void_protocol.task import Propose

__all__ = ["closed"]

SHAPE = [square(frame, 10, 10, 50) for frame in range(1001, 1041)]
THINGS = [
    Thing(number=1, words="shadow below the object", kind="shadow", confidence=0.8, frames="1001-1040"),
    Thing(number=2, words="box", kind="moved", confidence=0.6, frames="1003-1040", extensions=["whole"]),
]


@pytest.fixture
def case(tmp_path: Path, qt: Any) -> Case:
    made = Case(tmp_path)
    made.model.use_selection()
    made.model.set_role(["Root/arm/hand"], "remove")
    return made


def _proposed(case: Case, folder: Path, qt: Any) -> str:
    """Press Propose, and let the server be done. Return the pattern of the files."""
    job = case.model.propose()
    assert job is not None
    pattern = str(folder / "affected_v001" / "affected_v001.%04d.exr")
    outlines = {
        frame: {
            "thing1": [box_ring(frame - 1000, 0, frame - 900, 50)],
            **({"thing2": [box_ring(300, 10, 340, 60)]} if frame > 1002 else {}),
            **({"thing2_whole": [box_ring(290, 0, 350, 70)]} if frame > 1002 else {}),
        }
        for frame in range(1001, 1041)
    }
    write_proposed_files(pattern, THINGS, outlines, job_id=job.job_id)
    case.session.change(job, phase=Phase.DONE, result_pattern=pattern, plate="Read1")
    run_until(qt, lambda: case.model.proposal is not None)
    return pattern


def test_a_proposal_is_a_job_with_what_is_marked_beside_the_results(case: Case, tmp_path: Path) -> None:
    case.model.set_role(["Root/cup"], "affected")
    case.model.change(propose_by="evidence", quality="preview")
    assert case.model.propose() is not None
    assert case.model.is_proposing
    pick = case.started()
    assert pick.propose == "evidence"
    assert pick.roles == {"Root/arm/hand": "remove", "Root/cup": "affected"}
    name = "Read1_affected_{version}"
    assert Path(pick.output_pattern) == Path("/shots/sh010/void") / name / f"{name}.%04d.exr"
    exported = Exported(plate_of(), "/p.%04d.exr", "scene_linear", (), (), None, None, ())
    exported = replace(exported, shapes=(RotoShape(name="hand", role="remove", frames=SHAPE),))
    job = build_job(pick, exported, job_id="0" * 32, version=1)
    assert job.task == Propose(by="evidence")
    case.model.change(output="/else/clean_{version}/clean_{version}.%04d.exr")
    assert case.model.proposal_pick().output_pattern.startswith("/else/Read1_affected_{version}/")


def test_what_prevents_a_proposal_is_said(case: Case) -> None:
    assert case.model.propose_problem() == ""
    case.model.set_role(["Root/arm/hand"], "affected")
    assert "mark the object" in case.model.propose_problem()
    assert case.model.propose() is None
    assert case.said[-1][1]
    case.model.set_role(["Root/arm/hand"], "remove")
    case.server.picture = ServerPicture(text="No server is running; press Start")
    assert "press Start" in case.model.propose_problem()
    case.server.picture = RUNNING


def test_things_are_taken_over_shown_decided_and_removed(case: Case, tmp_path: Path, qt: Any) -> None:
    model = case.model
    pattern = _proposed(case, tmp_path, qt)
    assert not model.is_proposing
    assert "2 things" in case.said[-1][0]
    assert model.wanted().files == ()
    assert model.drawn(1010) == []  # the thread reads the outlines now
    run_until(qt, lambda: len(model.drawn(1010)) == 2)
    assert [thing.kind for thing in model.drawn(1002)] == ["shadow"]
    assert model.drawn(2000) == []
    model.accept([1])
    model.extend([2], "whole")
    model.grow([2], 5.0)
    _, box = model.drawn(1010)
    assert (box.accepted, box.growth_px, list(box.rings[0])) == (True, 5.0, box_ring(290, 0, 350, 70))
    pick = model.wanted()
    assert [(one.role, one.channel, one.growth_px) for one in pick.files] == [
        ("affected", "thing1.A", 0.0),
        ("affected", "thing2_whole.A", 5.0),
    ]
    exported = Exported(plate_of(), "/p.%04d.exr", "scene_linear", (), (), None, None, ())
    exported = replace(exported, shapes=(RotoShape(name="hand", role="remove", frames=SHAPE),))
    job = build_job(pick, exported, job_id="0" * 32, version=1)
    assert job.is_removal
    assert [one.pattern for one in job.mattes] == [pattern, pattern]
    model.accept([1, 2], False)
    assert model.wanted().files == ()


def test_a_proposal_belongs_to_its_plate_and_stays_with_the_script(
    case: Case, tmp_path: Path, qt: Any
) -> None:
    _proposed(case, tmp_path, qt)
    case.model.accept([1])
    case.model.keep()
    again = Case(tmp_path / "again", SceneHost(kept=case.host.kept, rotos=case.host.rotos))
    assert again.model.proposal == case.model.proposal
    assert [one.channel for one in again.model.wanted().files] == ["thing1.A"]
    run_until(qt, lambda: bool(again.model.drawn(1001)))
    again.host.plates["Read2"] = plate_of("Read2")
    again.model.pick(plate="Read2")
    assert again.model.proposal is None
    assert again.model.wanted().files == ()
    again.model.pick(plate="Read1")
    assert again.model.proposal is not None
    again.model.forget_proposal()
    assert again.model.proposal is None


def test_a_range_that_was_not_looked_at_prevents_the_removal_and_says_so(
    case: Case, tmp_path: Path, qt: Any
) -> None:
    _proposed(case, tmp_path, qt)
    case.model.accept([1])
    assert case.model.problem() == ""
    case.host.plates["Read1"] = plate_of(frames=FrameRange(990, 1040))
    case.model.refresh()
    assert "propose again" in case.model.problem()
    case.model.accept([1], False)
    assert case.model.problem() == ""


def test_a_proposal_that_failed_can_be_asked_for_again(case: Case) -> None:
    job = case.model.propose()
    assert job is not None
    case.session.change(job, phase=Phase.FAILED, message="no memory")
    assert not case.model.is_proposing
    case.model.retry(job.job_id)
    assert case.model.is_proposing
    case.session.change(case.session.jobs[0], phase=Phase.FAILED, message="no memory")
    assert case.model.propose() is not None


def test_a_script_that_was_left_during_the_export_awaits_nothing(case: Case, tmp_path: Path) -> None:
    case.model.click(1003, 12, 30)
    assert case.model.make_matte() is not None
    assert case.model.propose() is not None
    again = Case(tmp_path / "again", SceneHost(kept=case.host.kept, rotos=case.host.rotos))
    assert not again.model.is_proposing
    assert not again.model.is_making_matte
    assert again.model.propose_problem() == ""
    # A job that the script knows is awaited.
    kept = Case(tmp_path / "kept", SceneHost(kept=case.host.kept, rotos=case.host.rotos), case.session)
    assert kept.model.is_proposing


def test_files_that_say_nothing_are_no_proposal(case: Case, tmp_path: Path, qt: Any) -> None:
    job = case.model.propose()
    assert job is not None
    case.session.change(job, phase=Phase.DONE, result_pattern=str(tmp_path / "gone.%04d.exr"), plate="Read1")
    run_until(qt, lambda: not case.model.is_proposing)
    assert case.model.proposal is None
    assert "propose again" in case.said[-1][0]


def test_a_removal_with_proposed_mattes_can_be_put_back_into_the_panel(
    case: Case, tmp_path: Path, qt: Any
) -> None:
    _proposed(case, tmp_path, qt)
    case.model.accept([1])
    job = case.model.remove()
    assert job is not None
    case.model.forget_proposal()
    case.model.duplicate(job.job_id)
    assert [one.channel for one in case.model.wanted().files] == ["thing1.A"]


def test_accepted_things_become_a_roto_that_gives_the_matte(case: Case, tmp_path: Path, qt: Any) -> None:
    _proposed(case, tmp_path, qt)
    case.model.accept([1])
    case.model.extend([2], "whole")
    case.model.bake_accepted()

    def is_made() -> bool:
        case.host.run_posted(0.0)
        return bool(case.model.settings.matte_nodes)

    run_until(qt, is_made)
    assert case.model.settings.matte_nodes == (("affected", "VoidAffected1"),)
    assert [shape.name for shape in case.host.drawn] == ["shadow below the object (1)", "box (2)"]
    assert [len(shape.frames) for shape in case.host.drawn] == [40, 40]
    assert not case.host.drawn[1].frames[0].visible  # the box is there from 1003 on
    assert case.model.accepted_things == []
    (matte,) = case.model.wanted().mattes
    assert (matte.role, matte.node) == ("affected", "VoidAffected1")
    assert "2 shapes" in case.said[-1][0]
    case.model.accept([1])
    case.model.bake_accepted()
    assert "gives the affected matte already" in case.said[-1][0]
