"""The gizmo's buttons, with a node in plain values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtCore", reason="the panel's model needs Qt", exc_type=ImportError)

from tests.fakes.scene_host import SceneHost
from tests.fakes.still_session import StillSession
from tests.fakes.told_engines import TOLD
from void_nuke import gizmo_buttons
from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel.model import PanelModel
from void_nuke.panel.server import ServerModel, ServerPicture

KNOBS: dict[str, Any] = {
    "prompt": "An empty table.", "engine": "void", "quality": "finest", "scale": "1/2", "first_frame": 1003,
    "last_frame": 1010, "seed": 7, "growth_px": 3.0, "softness_px": 5.0, "result_pattern": "", "status": "",
    "job_id": "", "result_file": "", "result_first": 1, "result_last": 1, "output": "plate",
    "result_scale": 1.0,
}  # fmt: skip


class Knob:
    def __init__(self, value: Any) -> None:
        self.held = value

    def value(self) -> Any:
        return self.held

    def setValue(self, value: Any) -> None:
        self.held = value


class Node:
    def __init__(self, name: str = "VoidRemove1", inputs: tuple[str | None, ...] = (), **knobs: Any) -> None:
        self.name = name
        self.inputs = inputs
        self.knobs = {name: Knob(value) for name, value in {**KNOBS, **knobs}.items()}

    def __getitem__(self, knob: str) -> Knob:
        return self.knobs[knob]

    def fullName(self) -> str:
        return self.name

    def input(self, number: int) -> Node | None:
        name = self.inputs[number] if number < len(self.inputs) else None
        return None if name is None else Node(name)


def server_that_told(home: Path) -> ServerModel:
    server = ServerModel(home)
    server.picture = ServerPicture(engines=TOLD)
    return server


@pytest.fixture
def model(tmp_path: Path, qt: Any) -> Iterator[PanelModel]:
    session = StillSession()
    model = PanelModel(
        SceneHost(),
        server_that_told(tmp_path),
        preferences=tmp_path / "panel.json",
        session=session,  # type: ignore[arg-type]
    )
    session.on_change = model.job_changed.emit
    yield model
    model.close()


def test_submit_takes_inputs_and_knobs(model: PanelModel) -> None:
    node = Node(inputs=("Read1", "Keyer1", "Roto2"))

    gizmo_buttons.submit(node, model)

    ((_, pick),) = [call for call in model.session.calls if call[0] == "start"]  # type: ignore[attr-defined]
    assert pick.plate == "Read1"
    assert [(matte.role, matte.node) for matte in pick.mattes] == [
        ("remove", "Keyer1"),
        ("affected", "Roto2"),
    ]
    assert str(pick.frames) == "1003-1010"
    assert pick.settings.prompt == "An empty table."
    assert (pick.settings.engine, pick.settings.proxy_scale, pick.settings.seed) == ("void", 0.5, 7)
    assert pick.settings.engine_options == {"passes": 2}
    assert (pick.settings.matte.growth_px, pick.settings.matte.softness_px) == (3.0, 5.0)
    assert pick.output_pattern.startswith(str(Path("/shots/sh010/void/VoidRemove1_clean_{version}")))
    assert node["job_id"].value() == "job0"
    assert node["status"].value().startswith("Exporting")


def test_a_finished_removal_is_what_the_node_shows(model: PanelModel) -> None:
    node = Node(inputs=("Read1", "Keyer1"))
    gizmo_buttons.submit(node, model)
    gizmo_buttons.update(node, model)
    session: Any = model.session

    session.change(session.job("job0"), phase=Phase.RUNNING, fraction=0.5, message="denoising")
    assert node["status"].value() == "Running: Denoising"
    assert node["output"].value() == "plate"

    session.change(session.job("job0"), phase=Phase.DONE, proxy_scale=0.5)
    assert node["output"].value() == "result"
    assert node["result_file"].value() == session.job("job0").result_pattern
    assert (node["result_first"].value(), node["result_last"].value()) == (1001, 1040)
    assert node["result_scale"].value() == 0.5, "it would not be shown at the plate's size"

    node["output"].setValue("difference")
    gizmo_buttons.update(node, model)
    assert node["output"].value() == "difference", "what the artist chose stays"


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (Node(), "No plate is connected; connect it to the input 'plate'"),
        (Node(inputs=("Gone1", "Keyer1")), "pick the plate again"),
        (Node(inputs=("Read1",)), "mark at least one"),
        (Node(inputs=("Read1", "Keyer1"), first_frame=5, last_frame=2), "swap them"),
    ],
)
def test_what_is_missing_is_said_in_the_node(model: PanelModel, node: Node, said: str) -> None:
    gizmo_buttons.submit(node, model)

    assert said in node["status"].value()
    assert node["job_id"].value() == ""


def test_a_node_from_another_script_says_so(model: PanelModel) -> None:
    node = Node(job_id="elsewhere")

    gizmo_buttons.update(node, model)

    assert node["status"].value() == "Not submitted from this script; press Submit"


def test_cancel_asks_the_session(model: PanelModel) -> None:
    node = Node(inputs=("Read1", "Keyer1"))
    gizmo_buttons.submit(node, model)

    gizmo_buttons.cancel(node, model)

    assert ("cancel", "job0") in model.session.calls  # type: ignore[attr-defined]


def test_the_range_comes_from_the_plate(model: PanelModel) -> None:
    node = Node(inputs=("Read1",))

    gizmo_buttons.take_plate_range(node, model)

    assert (node["first_frame"].value(), node["last_frame"].value()) == (1001, 1040)
