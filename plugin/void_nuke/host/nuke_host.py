"""The host interface for Nuke. Apart from init.py and menu.py, no other module imports ``nuke``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import nuke
import nuke.rotopaint as rp

from void_nuke.errors import SelectionError
from void_nuke.host.exr_views import views_in_file
from void_nuke.host.host import (
    FrameRange,
    FrameRender,
    HostVersion,
    NodeInfo,
    PlateFiles,
    PlateInfo,
    Progress,
    ReadBack,
    RotoElement,
    RotoShapeInfo,
    ScriptRanges,
)
from void_nuke.host.main_thread import MainThread
from void_nuke.host.nuke_render import render_frame
from void_nuke.host.nuke_results import add_read, bake_gizmo, compare_reads, join_views
from void_nuke.host.nuke_roto import add_roto, add_roto_shape
from void_nuke.host.nuke_script import (
    ROTO_CLASSES,
    add_own_knob,
    cache_folder,
    curves_of,
    edition,
    full_size,
    in_root,
    no_undo,
    node_of,
    post_to_loop,
    selected_nodes,
)
from void_nuke.host.plate_files import plan_files
from void_nuke.host.read_knobs import passing_read, read_colour, read_file, read_settings, retiming_above
from void_nuke.host.roto_export import CurveTypes, Forms, bake_shapes, list_elements
from void_protocol.job import RotoShape
from void_protocol.sequence import frame_path
from void_protocol.view_pattern import names_view

T = TypeVar("T")
_log = logging.getLogger(__name__)
_NOTES_KNOB = "void_removals"


class NukeHost:
    """:class:`void_nuke.host.host.Host` in Nuke. It is made once, on the main thread."""

    def __init__(self) -> None:
        self._main = MainThread(post_to_loop if nuke.GUI else None)
        self._types = CurveTypes(rp.Layer, rp.Shape, rp.Stroke, rp.FlagType.eOpenFlag)
        self._forms: dict[str, Forms] = {}

    # Threads ------------------------------------------------------------------------------------------------

    def on_main_thread(self, function: Callable[[], T]) -> T:
        return self._main.call(function)

    def post(self, function: Callable[[], None]) -> None:
        self._main.post(function)

    def run_posted(self, timeout_s: float) -> None:
        self._main.run_posted(timeout_s)

    def close(self) -> None:
        """Release the threads that wait, because Nuke is quitting."""
        self._main.close()

    # The script ---------------------------------------------------------------------------------------------

    def version(self) -> HostVersion:
        return HostVersion(
            "Nuke",
            nuke.NUKE_VERSION_MAJOR,
            nuke.NUKE_VERSION_MINOR,
            nuke.NUKE_VERSION_RELEASE,
            has_gui=bool(nuke.GUI),
            edition=edition(),
        )

    def selected_nodes(self) -> Sequence[NodeInfo]:
        return [_info(node) for node in selected_nodes()]

    def nodes(self) -> Sequence[NodeInfo]:
        with in_root():
            return [_info(node) for node in nuke.allNodes(recurseGroups=True)]

    def script_ranges(self) -> ScriptRanges:
        root = nuke.root()
        viewer = nuke.activeViewer() if nuke.GUI else None
        points: FrameRange | None = None
        if viewer is not None:
            node = viewer.node()
            # The knob holds "1001-1050", and nothing of use while the range is not locked.
            if node["frame_range_lock"].value():
                played = nuke.FrameRange(str(node["frame_range"].value()))
                points = FrameRange(int(played.first()), int(played.last()))
        return ScriptRanges(
            whole_script=FrameRange(int(root.firstFrame()), int(root.lastFrame())),
            viewer=points,
            current_frame=int(nuke.frame()),
        )

    def plate(self, node: str) -> PlateInfo:
        found = node_of(node)
        if found.hasError():
            raise SelectionError(f"{node} has an error; repair it and pick the plate again")
        with full_size():
            size = found.format()
            read = passing_read(found)
            planned = _planned(read)
        colour = read_colour(read) if read is not None else "raw"
        return PlateInfo(
            node=node,
            width=int(size.width()),
            height=int(size.height()),
            pixel_aspect=float(size.pixelAspect()),
            frames=FrameRange(int(found.firstFrame()), int(found.lastFrame())),
            views=tuple(nuke.views()),
            channels=tuple(found.channels()),
            files=None if isinstance(planned, str) else planned,
            why_rendered=planned if isinstance(planned, str) else "",
            colour_space="raw" if isinstance(planned, str) else colour,
        )

    def plate_of_roto(self, plate: str, roto: str) -> tuple[str, str]:
        found = node_of(roto)
        moved = retiming_above(found, node_of(plate))
        above = found.input(0)
        if moved is None or above is None:
            return plate, ""
        return above.fullName(), f"{moved.fullName()} moves the frames between {plate} and {roto}"

    def is_busy(self) -> bool:
        return bool(nuke.executing())

    def script_path(self) -> str:
        name = nuke.root().name()
        return "" if name == "Root" else str(name)

    def open_script(self, path: str) -> None:
        ending = Path(path).suffix.lower()
        wanted = {".nknc": "Non-commercial", ".nkind": "Indie"}.get(ending, "")
        if wanted and wanted != edition():
            raise SelectionError(
                f"{path} is encrypted: only Nuke {wanted} opens it; save it as .nk where it was made"
            )
        nuke.scriptClear()
        try:
            nuke.scriptOpen(Path(path).as_posix())
        except RuntimeError as error:
            raise SelectionError(f"the script {path} cannot be opened ({error}); check its path") from error

    def notes(self) -> str:
        knob = nuke.root().knob(_NOTES_KNOB)
        return "" if knob is None else str(knob.value())

    def keep_notes(self, text: str) -> None:
        root = nuke.root()
        with no_undo():
            knob = root.knob(_NOTES_KNOB) or add_own_knob(root, _NOTES_KNOB, "VOID removals")
            knob.setValue(text)

    def on_script_load(self, function: Callable[[], None]) -> None:
        def loaded() -> None:
            # This is posted rather than called: the script is whole only after Nuke has loaded it.
            self.post(function)

        nuke.addOnScriptLoad(loaded)

    def on_script_close(self, function: Callable[[], None]) -> None:
        nuke.addOnScriptClose(function)

    def progress(self, title: str) -> Progress:
        return _Bar(title) if nuke.GUI else _NoBar()

    def add_read(self, read: ReadBack) -> str:
        return add_read(read)

    def bake_gizmo(self, node: str) -> str:
        return bake_gizmo(node)

    def join_views(self, reads: Mapping[str, str]) -> str:
        return join_views(reads)

    def compare_reads(self, result: str, other: str) -> str:
        return compare_reads(result, other)

    # Roto ---------------------------------------------------------------------------------------------------

    def roto_elements(self, node: str) -> Sequence[RotoElement]:
        root = curves_of(node_of(node)).rootLayer
        forms = self._forms.setdefault(node, {})
        return list_elements(root, self._types, int(nuke.frame()), nuke.views()[0], forms)

    def bake_roto(self, node: str, paths: Sequence[str], frame: int, view: str) -> Sequence[RotoShapeInfo]:
        root = curves_of(node_of(node)).rootLayer
        forms = self._forms.setdefault(node, {})
        return bake_shapes(root, self._types, paths, frame, view, views=nuke.views(), forms=forms)

    def add_roto(self, name: str, beside: str) -> str:
        return add_roto(name, beside)

    def add_roto_shape(self, node: str, shape: RotoShape) -> None:
        add_roto_shape(node, shape)

    # Rendering ----------------------------------------------------------------------------------------------

    def render_frame(self, render: FrameRender) -> None:
        render_frame(render, self._types, self._main.held)


class _Bar:
    """Nuke's progress bar, which disappears with the last reference to it."""

    def __init__(self, title: str) -> None:
        self._task: Any = nuke.ProgressTask(title)

    def update(self, percent: int, message: str) -> None:
        if self._task is not None:
            self._task.setProgress(int(percent))
            self._task.setMessage(message)

    def is_cancelled(self) -> bool:
        return self._task is not None and bool(self._task.isCancelled())

    def close(self) -> None:
        self._task = None


class _NoBar:
    """The progress bar of a terminal: none, because the log says enough."""

    def update(self, percent: int, message: str) -> None:
        _log.info("%d%% %s", percent, message)

    def is_cancelled(self) -> bool:
        return False

    def close(self) -> None:
        pass


def _info(node: nuke.Node) -> NodeInfo:
    return NodeInfo(node.fullName(), node.Class() in ROTO_CLASSES)


def _planned(read: nuke.Node | None) -> PlateFiles | str:
    if read is None:
        return "it is no Read node, or something changes it on the way"
    file = read_file(read, nuke.filename(read) or "", cache_folder())
    if not file:
        return "it is localised, and an expression in its path hides where its files really are"
    views = nuke.views()
    if len(views) > 1 and not names_view(file):
        inside = views_in_file(frame_path(file, int(read["first"].value())))
        if not set(views) <= set(inside):
            return f"the script has the views {', '.join(views)}, which its files do not hold"
    working = nuke.root().knob("workingSpaceLUT")
    return plan_files(read_settings(read, file, "" if working is None else str(working.value())))
