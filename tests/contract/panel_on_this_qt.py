"""Works the panel with the Qt of this Python: ``python tests/contract/panel_on_this_qt.py PySide2 FOLDER``.

It uses no test framework and no package beyond what a host has, so that it runs in the Python of any host.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "plugin"), str(ROOT)]
HARMLESS = ("This plugin does not support propagateSizeHints()",)


class Refuse:
    """An import hook that fails for the other Qt binding, which must not be needed."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == self.name:
            raise ImportError(f"No module named {name}")


def main(binding: str, folder: Path) -> int:
    """Run the panel through its paces with ``binding``; the exit status is 0 when all of it works."""
    sys.meta_path.insert(0, Refuse({"PySide2": "PySide6", "PySide6": "PySide2"}[binding]))  # type: ignore[arg-type]
    core: Any = importlib.import_module(f"{binding}.QtCore")
    widgets: Any = importlib.import_module(f"{binding}.QtWidgets")
    testing: Any = importlib.import_module(f"{binding}.QtTest")
    said: list[str] = []
    core.qInstallMessageHandler(lambda kind, context, text: said.append(text))
    application = widgets.QApplication([])
    from tests.fakes.scene_host import SceneHost, element_of, square
    from tests.fakes.still_session import StillSession, job_of
    from tests.fakes.told_engines import TOLD
    from void_nuke.host.host import NodeInfo
    from void_nuke.jobs.tracked_job import Phase
    from void_nuke.panel.kept_proposal import KeptProposal, KeptThing, encoded
    from void_nuke.panel.model import PanelModel
    from void_nuke.panel.server import ServerModel, ServerPicture, ServerState
    from void_nuke.qt import QtCore
    from void_nuke.ui.clickable_region import ClickableRegion
    from void_nuke.ui.engine_options import EngineOptions
    from void_nuke.ui.job_log import JobLog
    from void_nuke.ui.panel import PanelView
    from void_protocol.watching import Preview

    assert QtCore is core, "the panel uses another binding"
    paths = ("Root/hand", "Root/cup")
    host = SceneHost(
        rotos={"Roto1": [element_of(path) for path in paths]},
        shapes={path: lambda frame: square(frame, 10, 10, 50) for path in paths},
        selection=[NodeInfo("Roto1", True), NodeInfo("Read1", False)],
    )
    session: Any = StillSession()
    server = ServerModel(folder)
    server.picture = ServerPicture(ServerState.RUNNING, "Server running, idle", "tcp://127.0.0.1:5990", 1)
    model = PanelModel(host, server, preferences=folder / "panel.json", session=session)
    session.on_change = model.job_changed.emit
    view = PanelView(model)
    view.resize(640, 1000)
    view.show()
    application.processEvents()

    def click(text: str) -> None:
        found = [one for one in view.findChildren(widgets.QPushButton) if one.text() == text]
        assert found[0].isEnabled(), f"{text} cannot be pressed"
        testing.QTest.mouseClick(found[0], core.Qt.LeftButton)

    click("Use selection")
    view.shapes.select({"Root/cup"})
    click("Affected")
    view.shapes.select({"Root/hand", "Root/cup"})
    assert model.shapes.roles() == {"Root/cup": "affected"}
    model.set_role(["Root/hand"], "remove")
    for is_quadmask in (True, False):
        view.quadmask_button.setChecked(is_quadmask)
        application.processEvents()
        assert not view.grab().isNull()
    host.plates["Painted"] = replace(host.plates["Read1"], node="Painted")
    host.selection = [NodeInfo("Painted", False)]
    click("Frame is clean")
    bar = view.strip.bar
    place = core.QPoint(round(bar.x_of(host.current_frame)), bar.height() // 2)
    testing.QTest.mouseClick(bar, core.Qt.LeftButton, core.Qt.NoModifier, place)
    assert bar.chosen == host.current_frame, "the click on the strip was not understood"
    click("Click object")
    region: Any = view.findChild(ClickableRegion)
    for key in (core.Qt.LeftButton, core.Qt.RightButton):
        middle = core.QPoint(region.width() // 2, region.height() // 2 + 20 * (key == core.Qt.RightButton))
        testing.QTest.mouseClick(region, key, core.Qt.NoModifier, middle)
    assert [one.outside for one in model.clicks] == [False, True], "the clicks were not understood"
    click("Forget clicks")
    thing = KeptThing(number=1, kind="shadow", words="shadow", extensions=["whole"])
    kept = KeptProposal(
        job_id="a", pattern=str(folder / "a.%04d.exr"), first_frame=1001, last_frame=1040, plate="Read1",
        things=[thing],
    )  # fmt: skip
    model.change(proposal=encoded(kept))
    model.proposal_changed.emit()
    tree: Any = view.proposal.findChild(widgets.QTreeWidget)
    tree.topLevelItem(0).setCheckState(0, core.Qt.Checked)
    application.processEvents()
    assert len(model.accepted_things) == 1, "the tick was not understood"
    tree.topLevelItem(0).setSelected(True)
    model.extend([1], "whole")
    click("Reject")
    assert not model.accepted_things
    click("Discard")
    server.picture = replace(server.picture, engines=TOLD)
    server.changed.emit()
    model.change(engine="void")
    click("More")
    options: Any = view.findChild(EngineOptions)
    assert set(options.editors) == {"speed", "passes"}
    options.editors["speed"].setCurrentText("fast")
    assert model.wanted().settings.engine_options == {"speed": "fast"}
    application.processEvents()
    assert not view.grab().isNull()
    button = view.findChild(widgets.QPushButton, "VoidRemove")
    assert button is not None
    button.click()
    assert [name for name, _ in session.calls][-1] == "start"
    preview = Preview(job_id="a", frame=1, width=7, height=5, pixels=bytes(range(105)))
    for phase in Phase:
        session.change(job_of(phase.value, phase, preview=preview))
        application.processEvents()
    JobLog(model, session.jobs[0], view).show()
    application.processEvents()
    assert not view.grab().isNull()
    view.close()
    model.close()
    application.processEvents()
    problems = [text for text in said if text not in HARMLESS and "XDG_RUNTIME_DIR" not in text]
    assert problems == [], problems
    print(f"the panel works with {binding} {core.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
