"""Makes pictures of the panel for the documentation: ``python tests/bench/panel_pictures.py [FOLDER]``.

They are drawn without a screen in a palette like the host's, over the demo shot, in light and dark, at one
and two pixels per point.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[2]
application: Any = None
STATES = ("idle", "marked", "proposed", "running", "failed", "finished")
SIZE = (640, 1040)
QUADMASK = ("#000000", "#3f3f3f", "#7f7f7f", "#ffffff")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        for scale in ("1", "2"):
            variables = {
                **os.environ,
                "QT_QPA_PLATFORM": "offscreen",
                "QT_SCALE_FACTOR": scale,
                "VOID_HOME": temporary,
                "PYTHONPATH": os.pathsep.join([str(ROOT / "plugin"), str(ROOT / "server"), str(ROOT)]),
            }
            command = [sys.executable, __file__, "--draw", str(folder), scale, temporary]
            subprocess.run(command, env=variables, check=True)


@dataclass
class Scene:
    host: Any
    preview: Any
    proposal: str
    """A real proposal for the shot, as the panel keeps it."""


def make_scene(folder: Path) -> Scene:
    """Make a scene of the demo shot with a small EXR of each frame, as the host would render it."""
    import cv2
    import numpy as np
    import OpenImageIO as oiio  # noqa: N813 - its own name for itself

    from tests.fakes.scene_host import SceneHost, element_of, plate_of
    from void_engine.contact_sheet import SheetView
    from void_nuke.host.host import FrameRange, NodeInfo
    from void_protocol.job import RotoPoint, ShapeFrame
    from void_protocol.watching import Preview
    from void_server.demo.shot import render_demo_shot

    shot = render_demo_shot(folder / "shot", frames=12)

    def picture(pattern: str, frame: int) -> Any:
        window = oiio.ROI(0, shot.width, 0, shot.height, 0, 1, 0, 3)
        pixels = oiio.ImageBuf(pattern % frame).get_pixels(oiio.FLOAT, window)
        return cv2.resize(np.ascontiguousarray(pixels), (480, 270), interpolation=cv2.INTER_AREA)

    def small(frame: int) -> Path:
        path = folder / f"small_{frame}.exr"
        pixels = picture(shot.plate_pattern, frame)
        spec = oiio.ImageSpec(480, 270, 3, oiio.HALF)
        spec.attribute("compression", "zips")
        output = oiio.ImageOutput.create(str(path))
        output.open(str(path), spec)
        output.write_image(pixels)
        output.close()
        return path

    def bake(name: str) -> Callable[[int], ShapeFrame]:
        shape = next(one for one in shot.shapes if one.name == name)

        def at(frame: int) -> ShapeFrame:
            drawn = next(one for one in shape.frames if one.frame == frame)
            return ShapeFrame(
                frame=frame, points=[RotoPoint(*point) for point in drawn.points], visible=drawn.visible
            )

        return at

    paths = {"Root/ball/ball": "ball", "Root/ball/ball_shadow": "ball_shadow"}
    elements = [
        element_of("Root/ball/ball", (0.9, 0.25, 0.2)),
        element_of("Root/ball/ball_shadow", (0.3, 0.55, 0.9)),
        element_of("Root/set/motorcycle_holdout", (0.35, 0.8, 0.4)),
        element_of("Root/set/door_edge", (0.9, 0.8, 0.3), is_visible=False),
        element_of(
            "Root/paint/clone_stroke", (0.8, 0.5, 0.9), kind="stroke", not_carried=("a paint stroke",)
        ),
    ]
    host = SceneHost(
        plates={"Read1": plate_of(frames=FrameRange(1001, 1012))},
        rotos={"Roto1": elements},
        shapes={path: bake(name) for path, name in paths.items()},
        selection=[NodeInfo("Roto1", True), NodeInfo("Read1", False)],
        current_frame=1007,
        plate_file=small,
    )
    shown = np.round(255 * SheetView().show(picture(shot.truth_pattern, 1007))).astype(np.uint8)
    shown = np.ascontiguousarray(cv2.resize(shown, (176, 99), interpolation=cv2.INTER_AREA))
    preview = Preview(job_id="b", frame=1007, width=176, height=99, pixels=shown.tobytes())
    return Scene(host, preview, proposal_for(folder, shot))


def proposal_for(folder: Path, shot: Any) -> str:
    """Propose what the demo's ball affected, and accept the shadow."""
    from tests.unit.void_engine.removal_case import RecordingMonitor
    from void_nuke.panel.kept_proposal import encoded, kept_from
    from void_protocol.proposal import proposal_path, read_proposal
    from void_protocol.task import Propose
    from void_server.demo.shot import demo_job
    from void_server.mattes.proposing import proposal_job, run_proposal

    pattern = str(folder / "affected" / "affected.%04d.exr")
    if not proposal_path(pattern).exists():
        job = demo_job(shot, str(folder / "clean.%04d.exr"))
        job = msgspec.structs.replace(job, shapes=[one for one in job.shapes if one.role == "remove"])
        run_proposal(proposal_job(job, pattern, Propose()), RecordingMonitor())
    report = read_proposal(proposal_path(pattern))
    assert report is not None
    kept = kept_from(report, plate="Read1", view="main")
    return encoded(kept.changed([one.number for one in kept.things if one.kind == "shadow"], accepted=True))


def jobs_of(state: str, preview: Any) -> list[Any]:
    from tests.fakes.still_session import job_of
    from void_nuke.export.pick import RemovalPick
    from void_nuke.host.host import FrameRange
    from void_nuke.jobs.tracked_job import Phase

    frames = FrameRange(1001, 1012)
    pick = RemovalPick(
        plate="Read1", frames=frames, output_pattern="/shots/x_{version}.%04d.exr", roto="Roto1"
    )
    common: dict[str, Any] = {"pick": pick, "first_frame": 1001, "last_frame": 1012, "engine": "void"}
    first = job_of(
        "a",
        Phase.DONE,
        **{**common, "engine": "propagation"},
        frames_done=12,
        read_node="Read2",
        preview=preview,
    )
    running = job_of(
        "b", Phase.RUNNING, **common, version=2, created_at=2000.0, fraction=0.6, eta_s=96.0,
        message="denoising, step 18 of 30", preview=preview,
    )  # fmt: skip
    queued = job_of(
        "c",
        Phase.EXPORTING,
        **common,
        version=3,
        created_at=3000.0,
        fraction=0.25,
        message="rendering the matte, frame 1004",
    )
    failed = job_of(
        "b", Phase.FAILED, **common, version=2, created_at=2000.0, fraction=0.3,
        message="the GPU has 9.8 GiB free and the full frame needs 14.1 GiB; choose Scale 1/2, or close "
        "other programs that use the GPU, then press Retry",
    )  # fmt: skip
    done = job_of(
        "b",
        Phase.DONE,
        **common,
        version=3,
        created_at=2000.0,
        frames_done=12,
        read_node="Read3",
        preview=preview,
    )
    farm = job_of(
        "d",
        Phase.HANDED_OVER,
        **common,
        version=2,
        created_at=1500.0,
        message="wrote a bundle of 5 steps, 9 tasks: /shots/sh010/void/clean_v002/farm_openjd",
    )
    return {
        "running": [first, running, queued],
        "failed": [first, failed],
        "finished": [first, farm, done],
    }.get(state, [])


def draw(folder: Path, scale: str, temporary: Path) -> None:
    import shiboken6
    from PySide6 import QtGui, QtWidgets

    from tests.fakes.still_session import StillSession
    from void_nuke.panel.model import PanelModel
    from void_nuke.panel.server import ServerModel, ServerPicture, ServerState
    from void_nuke.ui.panel import PanelView
    from void_nuke.ui.style import DARK, LIGHT
    from void_server.engine_descriptions import describe_engines

    global application  # Qt's application must be deleted last.
    application = QtWidgets.QApplication([])
    application.setStyle("Fusion")
    font = QtGui.QFont("DejaVu Sans")
    font.setPixelSize(12)
    application.setFont(font)
    scene = make_scene(temporary)
    # The server of the pictures has the model; this machine need not.
    engines = tuple(msgspec.structs.replace(one, problem="") for one in describe_engines())
    running = ServerPicture(
        ServerState.RUNNING, "Server running, idle", "tcp://127.0.0.1:5990", 1, engines=engines
    )
    for name, theme in (("dark", DARK), ("light", LIGHT)):
        application.setPalette(host_palette(theme))
        for state in STATES:
            scene.host.kept = ""
            server = ServerModel(temporary)
            server.picture = (
                ServerPicture(text="No server is running; press Start") if state == "idle" else running
            )
            if state == "running":
                server.picture = dataclasses.replace(running, text="Server running, 1 job", open_jobs=1)
            model = PanelModel(
                scene.host,
                server,
                preferences=temporary / "panel.json",
                session=StillSession(jobs_of(state, scene.preview)),
            )
            view = PanelView(model)
            view.resize(*SIZE)
            view.show()
            if state != "idle":
                model.use_selection()
                model.set_role(["Root/ball/ball"], "remove")
                model.set_role(["Root/ball/ball_shadow"], "affected")
                model.change(prompt="A red motorcycle stands in an empty garage.", engine="void")
                view.shapes.select({"Root/ball/ball_shadow"} if state == "marked" else set())
                model.show_frame(is_asked_for=True)
                wait_for(application, lambda model=model: model.picture.picture is not None)
            if state == "proposed":
                model.set_role(["Root/ball/ball_shadow"], None)
                model.change(proposal=scene.proposal)
                model.proposal_changed.emit()
                wait_for(application, lambda model=model: has_drawn(model))
            view.quadmask_button.setChecked(state == "finished")
            for _ in range(5):
                application.processEvents()
            path = folder / f"panel_{state}_{name}{'' if scale == '1' else '_2x'}.png"
            view.grab().save(str(path))
            shapes = [QtGui.QColor.fromRgbF(*one.colour).name() for one in scene.host.rotos["Roto1"]]
            with_a_palette(path, [*dataclasses.astuple(theme), *shapes, *QUADMASK])
            view.close()
            model.close()
            shiboken6.delete(view)


def has_drawn(model: Any) -> bool:
    """Whether the outlines of what is proposed were read; without a thing there are none."""
    return not model.proposal.things or any(model.drawn(frame) for frame in range(1001, 1013))


def with_a_palette(path: Path, own: Sequence[str]) -> None:
    """Reduce a picture to 256 colours, a third of its bytes.

    The panel's own colours stay exactly as they are, however few pixels have them; the photograph shares the
    rest.
    """
    import cv2
    import numpy as np
    from PIL import Image

    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    exact = np.array(
        [[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in dict.fromkeys(own)], np.uint8
    )
    rest = picture.quantize(256 - len(exact), method=Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*exact.flatten().tolist(), *rest[: 3 * (256 - len(exact))]])
    small = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    pixels, indices = np.asarray(picture), np.array(small)
    # Flat areas must have no dots of dithering, and Pillow alone would only come near the panel's colours.
    flat = cv2.morphologyEx(pixels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(axis=2) == 0
    plain = np.asarray(picture.quantize(palette=palette, dither=Image.Dither.NONE))
    indices[flat] = plain[flat]
    for index, colour in enumerate(exact):
        indices[(pixels == colour).all(axis=2)] = index
    mended = Image.fromarray(indices, "P")
    mended.putpalette(palette.getpalette() or [])
    mended.save(path, optimize=True)


def wait_for(application: Any, is_there: Callable[[], bool]) -> None:
    import time

    limit = time.monotonic() + 20
    while not is_there():
        if time.monotonic() > limit:
            raise TimeoutError("the plate's picture did not come")
        application.processEvents()


def host_palette(theme: Any) -> Any:
    from PySide6 import QtGui

    roles = QtGui.QPalette.ColorRole
    palette = QtGui.QPalette()
    for role, colour in (
        (roles.Window, theme.window), (roles.Base, theme.sunken), (roles.Button, theme.raised),
        (roles.Text, theme.text), (roles.WindowText, theme.text), (roles.ButtonText, theme.text),
        (roles.Highlight, theme.accent), (roles.HighlightedText, theme.on_accent), (roles.Mid, theme.line),
        (roles.PlaceholderText, theme.dim),
    ):  # fmt: skip
        palette.setColor(role, QtGui.QColor(colour))
    return palette


if __name__ == "__main__":
    if sys.argv[1:2] == ["--draw"]:
        draw(Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
    else:
        main()
