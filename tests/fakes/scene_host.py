"""A host for the panel's tests, bench and pictures: its scene is plain values that the test sets up.

It renders by copying files. The contract suite checks, with the fake Nuke, what else a host must do.
"""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from void_nuke.errors import ExportError, SelectionError
from void_nuke.host.host import (
    FrameRange,
    FrameRender,
    HostVersion,
    NodeInfo,
    PlateFiles,
    PlateInfo,
    ReadBack,
    RotoElement,
    RotoShapeInfo,
    ScriptRanges,
)
from void_protocol.job import RotoPoint, RotoShape, ShapeFrame


def plate_of(node: str = "Read1", frames: FrameRange | None = None, **changes: Any) -> PlateInfo:
    frames = frames or FrameRange(1001, 1040)
    facts: dict[str, Any] = {
        "node": node,
        "width": 960,
        "height": 540,
        "pixel_aspect": 1.0,
        "frames": frames,
        "views": ("main",),
        "channels": ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha"),
        "files": PlateFiles("/shots/sh010/plate.%04d.exr", frames),
        "why_rendered": "",
        "colour_space": "scene_linear",
    }
    return PlateInfo(**{**facts, **changes})


def element_of(
    path: str, colour: tuple[float, float, float] = (0.8, 0.8, 0.8), **changes: Any
) -> RotoElement:
    facts: dict[str, Any] = {"kind": "shape", "is_visible": True, "not_carried": ()}
    return RotoElement(path=path, name=path.rpartition("/")[2], colour=colour, **{**facts, **changes})


def square(frame: int, left: float, bottom: float, size: float) -> ShapeFrame:
    corners = [(left, bottom), (left, bottom + size), (left + size, bottom + size), (left + size, bottom)]
    return ShapeFrame(frame=frame, points=[RotoPoint(x, y) for x, y in corners])


@dataclass
class SceneHost:
    """A host whose attributes are the scene and whose methods are those of
    :class:`void_nuke.host.host.Host`."""

    plates: dict[str, PlateInfo] = field(default_factory=lambda: {"Read1": plate_of()})
    rotos: dict[str, list[RotoElement]] = field(default_factory=dict)
    shapes: Mapping[str, Callable[[int], ShapeFrame]] = field(default_factory=dict)
    """Shapes by their paths, as functions of the frame."""
    selection: list[NodeInfo] = field(default_factory=list)
    script: str = "/shots/sh010/comp.nk"
    current_frame: int = 1001
    viewer: FrameRange | None = None
    plate_file: Callable[[int], Path] | None = None
    """Gives the small EXR that a render of the plate copies."""
    kept: str = ""
    reads: list[ReadBack] = field(default_factory=list)
    rendered: list[FrameRender] = field(default_factory=list)
    joined: list[dict[str, str]] = field(default_factory=list)
    drawn: list[RotoShape] = field(default_factory=list)
    """The shapes that were added to roto nodes."""
    baked: list[str] = field(default_factory=list)
    compared: list[tuple[str, str]] = field(default_factory=list)
    moved: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """What plate_of_roto() answers, where frames are moved between a plate and a roto node."""
    busy: bool = False
    edition: str = ""
    on_close: list[Callable[[], None]] = field(default_factory=list)
    on_load: list[Callable[[], None]] = field(default_factory=list)
    posted: queue.Queue[Callable[[], None]] = field(default_factory=queue.Queue)
    poster: Callable[[Callable[[], None]], None] | None = None
    """Posts a function where there is an event loop."""
    thread: threading.Thread = field(default_factory=threading.current_thread)

    def version(self) -> HostVersion:
        return HostVersion("Scene", 16, 0, 1, has_gui=True, edition=self.edition)

    def on_main_thread(self, function: Callable[[], Any]) -> Any:
        if threading.current_thread() is self.thread:
            return function()
        done = threading.Event()
        found: list[Any] = []

        def run() -> None:
            try:
                found.append((function(), None))
            except BaseException as error:  # noqa: BLE001 - the thread that asked for the work raises it
                found.append((None, error))
            done.set()

        self.post(run)
        done.wait(30)
        value, error = found[0]
        if error is not None:
            raise error
        return value

    def post(self, function: Callable[[], None]) -> None:
        (self.poster or self.posted.put)(function)

    def run_posted(self, timeout_s: float) -> None:
        try:
            self.posted.get(timeout=max(timeout_s, 0.001))()
            while True:
                self.posted.get_nowait()()
        except queue.Empty:
            return

    def selected_nodes(self) -> Sequence[NodeInfo]:
        return self.selection

    def nodes(self) -> Sequence[NodeInfo]:
        return [NodeInfo(name, False) for name in self.plates]

    def plate(self, node: str) -> PlateInfo:
        if node not in self.plates:
            raise SelectionError(f"{node} is not in the script any more; pick the plate again")
        return self.plates[node]

    def plate_of_roto(self, plate: str, roto: str) -> tuple[str, str]:
        return self.moved.get((plate, roto), (plate, ""))

    def is_busy(self) -> bool:
        return self.busy

    def join_views(self, reads: Mapping[str, str]) -> str:
        self.joined.append(dict(reads))
        return "JoinViews1"

    def bake_gizmo(self, node: str) -> str:
        self.baked.append(node)
        return node

    def compare_reads(self, result: str, other: str) -> str:
        self.compared.append((result, other))
        return "Switch1"

    def script_ranges(self) -> ScriptRanges:
        return ScriptRanges(FrameRange(1001, 1100), self.viewer, self.current_frame)

    def roto_elements(self, node: str) -> Sequence[RotoElement]:
        if node not in self.rotos:
            raise SelectionError(f"{node} is not in the script any more; pick the roto node again")
        return self.rotos[node]

    def bake_roto(self, node: str, paths: Sequence[str], frame: int, view: str) -> Sequence[RotoShapeInfo]:
        return [RotoShapeInfo(path, self.shapes[path](frame)) for path in paths]

    def add_roto(self, name: str, beside: str) -> str:
        self.rotos[name] = []
        return name

    def add_roto_shape(self, node: str, shape: RotoShape) -> None:
        self.rotos[node].append(element_of(f"Root/{shape.name}"))
        self.drawn.append(shape)

    def render_frame(self, render: FrameRender) -> None:
        self.rendered.append(render)
        if self.plate_file is None:
            raise ExportError(f"{render.source.node} cannot be rendered at frame {render.frame}")
        shutil.copyfile(self.plate_file(render.frame), render.path)

    def progress(self, title: str) -> Any:
        return _NoBar()

    def add_read(self, read: ReadBack) -> str:
        self.reads.append(read)
        return f"Read{len(self.reads) + 1}"

    def script_path(self) -> str:
        return self.script

    def open_script(self, path: str) -> None:
        self.script = path

    def notes(self) -> str:
        return self.kept

    def keep_notes(self, text: str) -> None:
        self.kept = text

    def on_script_load(self, function: Callable[[], None]) -> None:
        self.on_load.append(function)

    def on_script_close(self, function: Callable[[], None]) -> None:
        self.on_close.append(function)


class _NoBar:
    def update(self, percent: int, message: str) -> None:
        pass

    def is_cancelled(self) -> bool:
        return False

    def close(self) -> None:
        pass
