"""What the panel decides, without a widget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace as replace_struct

pytest.importorskip("PySide6.QtCore", reason="the panel's model needs Qt", exc_type=ImportError)

from tests.fakes.qt_session import run_until
from tests.fakes.scene_host import SceneHost, element_of, plate_of, square
from tests.fakes.still_session import StillSession, job_of
from tests.fakes.told_engines import PROPAGATION, TOLD, VOID
from void_nuke.errors import ExportError, SelectionError
from void_nuke.export.pick import RemovalPick
from void_nuke.host.host import FrameRange, NodeInfo
from void_nuke.jobs.notes_section import for_removals
from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel.engines import KnownEngines, engines_file, read_engines
from void_nuke.panel.model import PanelModel
from void_nuke.panel.server import ServerModel, ServerPicture, ServerState
from void_nuke.panel.settings import PanelSettings, read_preferences, to_plain, with_plain
from void_protocol.engines import EngineDescription

RUNNING = ServerPicture(ServerState.RUNNING, "Server running, idle", "tcp://127.0.0.1:5990", 1, engines=TOLD)


class Case:
    def __init__(
        self, folder: Path, host: SceneHost | None = None, session: StillSession | None = None
    ) -> None:
        self.host = host or SceneHost(
            rotos={"Roto1": [element_of("Root/arm/hand"), element_of("Root/cup"), element_of("Root/table")]},
            shapes={path: lambda frame: square(frame, 10, 10, 50) for path in ("Root/arm/hand", "Root/cup")},
            selection=[NodeInfo("Roto1", True), NodeInfo("Read1", False)],
        )
        self.session = session or StillSession()
        self.server = ServerModel(folder)
        self.server.picture = RUNNING
        self.preferences = folder / "panel.json"
        self.model = PanelModel(
            self.host,
            self.server,
            preferences=self.preferences,
            session=self.session,  # type: ignore[arg-type]
        )
        self.session.on_change = self.model.job_changed.emit
        OPEN.append(self.model)
        self.said: list[tuple[str, bool]] = []
        self.model.said.connect(lambda text, trouble: self.said.append((text, trouble)))

    def started(self) -> RemovalPick:
        (pick,) = [what for name, what in self.session.calls if name == "start"]
        return pick


OPEN: list[PanelModel] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


@pytest.fixture
def case(tmp_path: Path, qt: Any) -> Case:
    return Case(tmp_path)


def test_from_selection_to_submission(case: Case) -> None:
    model = case.model
    assert "Use selection" in model.problem()

    model.use_selection()
    assert "mark at least one" in model.problem()
    model.set_role(["Root/arm/hand"], "remove")
    model.set_role(["Root/cup", "Root/table"], "affected")
    model.set_role(["Root/table"], None)
    model.change(prompt="  A cup falls. ", engine="void", quality="preview")
    assert model.problem() == ""
    model.remove()

    pick = case.started()
    assert (pick.plate, pick.roto) == ("Read1", "Roto1")
    assert pick.roles == {"Root/arm/hand": "remove", "Root/cup": "affected"}
    assert pick.frames == FrameRange(1001, 1040)
    assert pick.settings.prompt == "A cup falls."
    assert (pick.settings.proxy_scale, pick.settings.engine_options) == (0.25, {"speed": "draft"})
    assert not case.said[-1][1]


@pytest.mark.parametrize(
    ("engine", "options"),
    [("auto", {}), ("propagation", {}), ("void", {"passes": 2})],
)
def test_an_engine_gets_only_options_that_it_knows(engine: str, options: dict[str, Any]) -> None:
    settings = PanelSettings(engine=engine, quality="finest").job_settings(KnownEngines(TOLD))

    assert settings.engine_options == options


def test_a_preset_proposes_a_scale_and_the_artist_may_differ(case: Case) -> None:
    case.model.change(quality="preview")
    assert case.model.settings.proxy_scale == 0.25
    case.model.change(proxy_scale=0.5)
    assert (case.model.settings.quality, case.model.settings.proxy_scale) == ("preview", 0.5)


@pytest.mark.parametrize(
    ("changes", "frames"),
    [
        ({}, "1001-1040"),
        ({"range_choice": "typed", "typed_range": "1010-1012"}, "1010-1012"),
        ({"range_choice": "typed", "typed_range": "1010-1012", "handles": 3}, "1007-1015"),
        ({"range_choice": "global"}, "1001-1040"),
        ({"range_choice": "viewer"}, "in and out points"),
        ({"range_choice": "typed", "typed_range": "x"}, "write it like 1001-1040"),
    ],
)
def test_frames(case: Case, changes: dict[str, Any], frames: str) -> None:
    case.model.use_selection()
    case.model.set_role(["Root/cup"], "remove")
    case.model.change(**changes)

    problem = case.model.problem()

    assert frames in (problem or str(case.model.frames()))


def test_what_stands_in_the_way_says_what_to_do(case: Case) -> None:
    model = case.model
    model.use_selection()
    model.set_role(["Root/cup"], "remove")

    case.server.picture = ServerPicture(text="No server is running; press Start")
    assert model.problem() == "No server is running; press Start"
    case.server.picture = RUNNING
    case.host.script = ""
    assert "save it, or choose where" in model.problem()
    model.output_into("/elsewhere")
    assert model.problem() == ""
    case.host.plates = {}
    model.refresh()
    assert "pick the plate again" in model.problem()
    model.remove()
    assert case.said[-1] == (model.problem(), True)


def test_nothing_selected_is_said(case: Case) -> None:
    case.host.selection = []
    case.model.use_selection()

    assert case.said == [
        ("Nothing is selected; select the plate and a Roto node, then press this again", True)
    ]


def test_the_session_refusing_is_said(case: Case) -> None:
    case.model.use_selection()
    case.model.set_role(["Root/cup"], "remove")
    case.session.trouble = ExportError("the disk is full; make room and press Retry")

    assert case.model.remove() is None
    assert case.said[-1] == ("The disk is full; make room and press Retry", True)


def test_strokes_are_listed_only_where_they_would_be_lost(tmp_path: Path, qt: Any) -> None:
    stroke = element_of("Root/paint", kind="stroke", not_carried=("a paint stroke",))
    case = Case(tmp_path, SceneHost(rotos={"Roto1": [stroke]}))
    case.model.pick(plate="Read1", roto="Roto1")
    case.model.set_role(["Root/paint"], "remove")

    assert case.model.losses() == []
    case.model.change(shapes_only=True)
    assert case.model.losses() == [
        "paint: a paint stroke cannot travel as a shape; switch 'shapes only' off."
    ]


def test_another_roto_node_has_other_marks(case: Case) -> None:
    case.model.use_selection()
    case.model.set_role(["Root/cup"], "remove")
    case.host.rotos["Roto2"] = [element_of("Root/cup")]

    case.model.pick(roto="Roto2")

    assert case.model.shapes.roles() == {}
    assert case.model.settings.roles == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["hand", "cup", "table"]),
        ("ARM", ["hand"]),
        ("remove", ["cup"]),
        ("root cup", ["cup"]),
        ("x", []),
    ],
)
def test_the_filter(case: Case, text: str, names: list[str]) -> None:
    case.model.use_selection()
    case.model.set_role(["Root/cup"], "remove")
    case.model.set_filter(text)

    assert [row.element.name for row in case.model.shapes.shown()] == names


def test_any_node_can_be_the_matte(case: Case) -> None:
    case.model.pick(plate="Read1")
    case.model.set_matte_node("remove", "Keyer1")
    case.model.set_matte_node("affected", "Blur1")
    case.model.set_matte_node("affected", "")

    assert case.model.problem() == ""
    assert [(one.role, one.node) for one in case.model.wanted().mattes] == [("remove", "Keyer1")]


def test_settings_come_back_with_the_script_and_the_artist(case: Case, tmp_path: Path, qt: Any) -> None:
    case.model.use_selection()
    case.model.set_role(["Root/cup"], "affected")
    case.model.change(prompt="Empty.", handles=8)
    case.model.keep()
    assert set(json.loads(case.preferences.read_text())) == set(to_plain(PanelSettings(), "user"))

    again = Case(tmp_path, case.host)
    assert again.model.settings == case.model.settings
    assert again.model.shapes.roles() == {"Root/cup": "affected"}

    other = Case(tmp_path, SceneHost(rotos=case.host.rotos))
    assert (other.model.settings.prompt, other.model.settings.handles) == ("", 8)


def test_removals_and_settings_share_the_script(case: Case) -> None:
    removals = for_removals(case.host)
    case.host.kept = '{"schema_version":1,"jobs":[]}'
    assert removals.notes() == case.host.kept, "a script from before the panel"
    removals.keep_notes("jobs")
    case.model.change(prompt="x")
    case.model.keep()

    assert removals.notes() == "jobs"
    assert json.loads(case.model._notes.notes())["prompt"] == "x"
    assert removals.plate("Read1") == plate_of()


@pytest.mark.parametrize(
    "kept",
    [
        {"engine": "no engine has such a name"},
        {"engine": 3},
        {"seed": "42"},
        {"seed": True},
        {"roles": [["a"]]},
        {"roles": 3},
        {"other": 1},
        {"handles": 3},
    ],
)
def test_what_makes_no_sense_in_a_script_is_left_out(kept: dict[str, Any]) -> None:
    assert with_plain(PanelSettings(), kept, "script") == PanelSettings()


def test_a_damaged_preference_file_is_no_obstacle(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "panel.json").write_text("{")

    assert read_preferences(tmp_path / "panel.json") == {}
    assert "starts with its defaults" in caplog.text


def test_duplicate_puts_a_job_back_into_the_panel(case: Case) -> None:
    case.model.use_selection()
    case.model.set_role(["Root/cup"], "remove")
    case.model.change(prompt="First.", seed=7, handles=2, engine="void", quality="preview", shapes_only=True)
    job = case.model.remove()
    assert job is not None
    case.model.set_role(["Root/cup"], None)
    case.model.change(prompt="Second.", seed=8, engine="auto", quality="final", shapes_only=False)

    case.model.duplicate(job.job_id)

    assert case.model.shapes.roles() == {"Root/cup": "remove"}
    assert case.model.wanted() == case.started()


def test_a_removal_goes_to_the_farm_without_a_server(case: Case) -> None:
    case.model.use_selection()
    case.model.set_role(["Root/cup"], "remove")
    case.server.picture = ServerPicture(text="No server is running; press Start")
    case.model.change(destination="farm", farm_target="opencue", server_python="/studio/python")
    assert case.model.problem() == ""
    job = case.model.remove()

    assert job is not None
    ((_, (pick, order)),) = [call for call in case.session.calls if call[0] == "send_to_farm"]
    assert pick.roles == {"Root/cup": "remove"}
    assert (order.target, order.python) == ("opencue", "/studio/python")
    assert to_plain(case.model.settings, "script")["destination"] == "farm"
    assert to_plain(case.model.settings, "user")["farm_target"] == "opencue"
    case.model.change(destination="server")
    case.model.duplicate(job.job_id)
    assert case.model.settings.destination == "farm"


def test_a_studio_without_any_server_learns_the_engines_from_its_installation(
    tmp_path: Path, qt: Any
) -> None:
    answer = tmp_path / "answer.json"
    answer.write_bytes(msgspec.json.encode(TOLD))
    asked = tmp_path / "asked"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >> {asked}\nexec cat {answer}\n')
    python.chmod(0o755)
    case = Case(tmp_path)
    case.model.engine_book.engines = KnownEngines()
    case.server.picture = ServerPicture(text="No server is running; press Start")
    case.model.use_selection()
    case.model.set_role(["Root/cup"], "remove")
    case.model.change(engine="void", quality="preview", server_python=str(python))
    with pytest.raises(SelectionError, match="no server has told yet"):
        case.model.settings.job_settings(case.model.engines)
    assert not asked.exists(), "a server will tell"

    case.model.change(destination="farm")
    run_until(qt, lambda: case.model.engines.told is not None)
    assert case.model.settings.job_settings(case.model.engines).engine_options == {"speed": "draft"}
    assert case.model.problem() == ""
    assert asked.read_text() == "-m void_server engines --json\n"
    assert read_engines(engines_file(case.preferences)).told == TOLD

    # One that does not say is asked once, and what a server tells counts before it.
    answer.write_text("no JSON")
    case.model.engine_book.engines = KnownEngines()
    silent = tmp_path / "silent"
    python.rename(silent)
    case.model.change(server_python=str(silent))
    case.model.change(seed=7)
    run_until(qt, lambda: asked.read_text().count("\n") == 2)
    case.model.engine_book._take_installed(None)
    assert case.model.engines.told is None
    case.model.engine_book.engines = KnownEngines((PROPAGATION,))
    case.model.engine_book._take_installed(list(TOLD))
    assert case.model.engines.told == (PROPAGATION,)


def test_a_farm_needs_a_python(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("void_nuke.panel.model.installed_server_python", str)
    case.model.use_selection()
    case.model.set_role(["Root/cup"], "remove")
    case.model.change(destination="farm")

    assert "press Python…" in case.model.problem()


@pytest.mark.parametrize("action", ["retry", "duplicate"])
def test_a_job_of_an_earlier_session_says_what_to_do(tmp_path: Path, qt: Any, action: str) -> None:
    case = Case(tmp_path, session=StillSession([job_of("old", Phase.DONE)]))

    getattr(case.model, action)("old")

    text, is_trouble = case.said[-1]
    assert is_trouble
    assert "earlier session" in text


def test_actions_reach_the_session(tmp_path: Path, qt: Any) -> None:
    case = Case(tmp_path, session=StillSession([job_of("a", Phase.RUNNING)]))

    case.model.cancel("a")
    case.model.import_result("a")

    assert case.session.calls[-2:] == [("cancel", "a"), ("import_result", "a")]
    assert case.said[-1] == ("The result is in Read7, beside the plate", False)


def test_a_slow_plate_is_rendered_only_when_asked_for(case: Case) -> None:
    case.host.plates["Grade1"] = plate_of("Grade1", files=None, why_rendered="Grade1 changes the colours")
    case.model.pick(plate="Grade1")

    case.model.show_frame(is_asked_for=False)
    assert case.host.rendered == []
    case.model.show_frame(is_asked_for=True)
    (render,) = case.host.rendered
    assert (render.frame, render.scale) == (1001, 0.5)


def test_the_server_tells_which_engines_there_are(case: Case, tmp_path: Path) -> None:
    heard: list[int] = []
    case.model.engines_changed.connect(lambda: heard.append(1))
    studio = EngineDescription(name="studio", title="Studio's own", presets={"finest": {"rounds": 3}})
    case.server.picture = replace(RUNNING, engines=(*TOLD, studio))
    case.server.changed.emit()
    case.server.changed.emit()

    assert len(heard) == 1
    assert [one.name for one in case.model.engines.choices("auto")] == [
        "auto",
        "propagation",
        "void",
        "studio",
    ]
    case.model.change(engine="studio", quality="finest")
    assert case.model.settings.job_settings(case.model.engines).engine_options == {"rounds": 3}
    # The next session knows them before a server runs; a server that is lost takes nothing away.
    later = read_engines(engines_file(case.preferences))
    assert later.told == (*TOLD, studio)
    case.server.picture = ServerPicture(ServerState.LOST)
    case.server.changed.emit()
    assert case.model.engines.told == later.told


def test_an_engine_that_cannot_run_stands_in_the_way_and_says_why(case: Case) -> None:
    case.model.use_selection()
    case.model.set_role(["Root/cup"], "remove")
    broken = replace_struct(VOID, problem="no model folder is named; set VOID_MODELS")
    case.server.picture = replace(RUNNING, engines=(PROPAGATION, broken))
    case.server.changed.emit()
    case.model.change(engine="void")

    assert case.model.problem() == "VOID model: no model folder is named; set VOID_MODELS"
    row = case.model.engines.choices("void")[-1]
    assert (row.title, row.is_usable, row.tip) == ("VOID model (not available)", False, broken.problem)
    case.model.change(destination="farm", server_python="/usr/bin/python3")
    assert case.model.problem() == "", "the farm's machines may have what this server lacks"


def test_a_script_keeps_an_engine_that_this_server_does_not_have(case: Case) -> None:
    case.model.use_selection()
    case.model.set_role(["Root/cup"], "remove")
    case.model.change(engine="studio")
    case.model.keep()
    case.model.reload()

    assert case.model.settings.engine == "studio"
    assert case.model.engines.choices("studio")[-1].title == "studio (not on this server)"
    assert "no engine 'studio'" in case.model.problem()


def test_before_any_server_told_there_is_auto_and_what_the_script_has() -> None:
    nothing = KnownEngines()

    assert [one.name for one in nothing.choices("auto")] == ["auto"]
    assert [one.name for one in nothing.choices("void")] == ["auto", "void"]
    assert nothing.problem("void") == ""
    assert PanelSettings(engine="void").job_settings(nothing).engine_options == {}
    with pytest.raises(SelectionError, match=r"'Finest' means for the engine 'void'"):
        PanelSettings(engine="void", quality="finest").job_settings(nothing)


def test_engines_that_were_kept_damaged_are_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "engines.json").write_text("{")

    assert read_engines(tmp_path / "engines.json") == KnownEngines()
    assert "waits for what the server tells" in caplog.text
