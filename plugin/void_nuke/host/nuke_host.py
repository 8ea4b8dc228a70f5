"""The host interface for Nuke. Apart from init.py and menu.py, no other module imports ``nuke``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import nuke
import nuke.rotopaint as rp

from void_nuke.errors import ExportCancelled, ExportError, SelectionError
from void_nuke.host.comparison import wire_comparison
from void_nuke.host.host import (
    FrameRange,
    FrameRender,
    HostVersion,
    NodeInfo,
    PlateFiles,
    PlateInfo,
    Progress,
    ReadBack,
    RenderSource,
    RotoElement,
    RotoShapeInfo,
    ScriptRanges,
)
from void_nuke.host.main_thread import MainThread
from void_nuke.host.placement import NodeBox, free_place
from void_nuke.host.plate_files import plan_files
from void_nuke.host.read_knobs import passing_read, read_colour, read_settings, set_colour, set_files
from void_nuke.host.roto_export import CurveTypes, bake_shapes, keep_only, list_elements

T = TypeVar("T")
_log = logging.getLogger(__name__)
_NOTES_KNOB = "void_removals"
_CURVES = "curves"
_JOB_KNOB = "void_job_id"
_NODE_SIZE = (80, 80)
"""The size assumed for a node whose size Nuke does not know yet (in a terminal)."""


class NukeHost:
    """:class:`void_nuke.host.host.Host` in Nuke. It is made once, on the main thread."""

    def __init__(self) -> None:
        self._main = MainThread(_post_to_loop if nuke.GUI else None)
        self._types = CurveTypes(rp.Layer, rp.Shape, rp.Stroke, rp.FlagType.eOpenFlag)

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
        )

    def selected_nodes(self) -> Sequence[NodeInfo]:
        return [_info(node) for node in nuke.selectedNodes()]

    def nodes(self) -> Sequence[NodeInfo]:
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
        found = _node(node)
        if found.hasError():
            raise SelectionError(f"{node} has an error; repair it and pick the plate again")
        with _full_size():
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

    def script_path(self) -> str:
        name = nuke.root().name()
        return "" if name == "Root" else str(name)

    def open_script(self, path: str) -> None:
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
        with _no_undo():
            knob = root.knob(_NOTES_KNOB)
            if knob is None:
                knob = nuke.String_Knob(_NOTES_KNOB, "VOID removals")
                knob.setFlag(nuke.INVISIBLE)
                root.addKnob(knob)
            knob.setValue(text)

    def on_script_load(self, function: Callable[[], None]) -> None:
        def loaded() -> None:
            # This is posted rather than called: the script is whole only after Nuke has loaded it.
            self.post(function)

        nuke.addOnScriptLoad(loaded)

    def progress(self, title: str) -> Progress:
        return _Bar(title) if nuke.GUI else _NoBar()

    def add_read(self, read: ReadBack) -> str:
        return _add_read(read)

    # Roto ---------------------------------------------------------------------------------------------------

    def roto_elements(self, node: str) -> Sequence[RotoElement]:
        root = _curves(_node(node)).rootLayer
        return list_elements(root, self._types, int(nuke.frame()), nuke.views()[0])

    def bake_roto(self, node: str, paths: Sequence[str], frame: int, view: str) -> Sequence[RotoShapeInfo]:
        root = _curves(_node(node)).rootLayer
        single = len(nuke.views()) == 1
        return bake_shapes(root, self._types, paths, frame, view, single_view=single)

    # Rendering ----------------------------------------------------------------------------------------------

    def render_frame(self, render: FrameRender) -> None:
        source = _node(render.source.node)
        with _full_size():
            size = _node(render.source.format_of or render.source.node).format()
        what = f"{render.source.node}, frame {render.frame}"
        with self._main.held(), _no_undo(), _unmodified(), _proxy(render.proxy_scale), source.parent():
            temporary: list[nuke.Node] = []
            try:
                write = self._write_chain(source, size, render, temporary)
                nuke.execute(write, render.frame, render.frame, 1, views=[render.view])
            except RuntimeError as error:
                if str(error).strip().lower().startswith("cancel"):
                    raise ExportCancelled("the export was cancelled; nothing was submitted") from error
                raise ExportError(
                    f"{what} cannot be rendered: {error}; repair the script, then press Retry"
                ) from error
            finally:
                for node in reversed(temporary):
                    nuke.delete(node)
        if not Path(render.path).is_file():
            raise ExportError(
                f"{what} was rendered but {render.path} is not there; check the disk and its rights"
            )

    def _write_chain(
        self, source: nuke.Node, size: nuke.Format, render: FrameRender, temporary: list[nuke.Node]
    ) -> nuke.Node:
        picture = source
        wanted = render.source
        if wanted.channel is not None:
            ground = _made(nuke.nodes.Constant(), temporary)
            ground["channels"].setValue("rgba")
            ground["format"].setValue(size)
            picture = self._matte_source(source, ground, wanted, temporary)
            copy = _made(nuke.nodes.Copy(), temporary)
            copy.setInput(0, ground)
            copy.setInput(1, picture)
            copy["from0"].setValue(wanted.channel)
            copy["to0"].setValue("rgba.alpha")
            picture = copy
        write = _made(nuke.nodes.Write(), temporary)
        write.setInput(0, picture)
        write["file"].setValue(Path(render.path).as_posix())
        write["file_type"].setValue("exr")
        write["channels"].setValue("all" if wanted.channel is None else "alpha")
        write["datatype"].setValue("16 bit half")
        write["compression"].setValue("Zip (1 scanline)")
        write["raw"].setValue(True)
        write["autocrop"].setValue(False)
        return write

    def _matte_source(
        self, source: nuke.Node, ground: nuke.Node, wanted: RenderSource, temporary: list[nuke.Node]
    ) -> nuke.Node:
        """Return the node itself, or a copy of the roto node with only the wanted elements, over nothing."""
        if wanted.elements is None:
            return source
        copy = _made(nuke.nodes.Roto(), temporary)
        copy.setInput(0, ground)
        # The knob's own text goes from one node of this host to another; it is not interpreted here.
        copy[_CURVES].fromScript(source[_CURVES].toScript())
        curves = _curves(copy)
        keep_only(curves.rootLayer, self._types, wanted.elements)
        curves.changed()
        return copy


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


def _post_to_loop(function: Callable[[], None]) -> None:
    nuke.executeInMainThread(function)


def _made(node: Any, temporary: list[nuke.Node]) -> nuke.Node:
    temporary.append(node)
    return cast("nuke.Node", node)


def _node(name: str) -> nuke.Node:
    node = nuke.toNode(name)
    if node is None:
        raise SelectionError(f"there is no node {name} any more; pick it again")
    return node


def _curves(node: nuke.Node) -> rp.CurveKnob:
    knob = node.knob(_CURVES)
    if knob is None:
        raise SelectionError(f"{node.fullName()} has no roto shapes; pick a Roto or RotoPaint node")
    return cast("rp.CurveKnob", knob)


def _info(node: nuke.Node) -> NodeInfo:
    return NodeInfo(node.fullName(), node.Class() in ("Roto", "RotoPaint"))


def _planned(read: nuke.Node | None) -> PlateFiles | str:
    if read is None:
        return "it is no Read node, or something changes it on the way"
    working = nuke.root().knob("workingSpaceLUT")
    return plan_files(
        read_settings(read, nuke.filename(read) or "", "" if working is None else str(working.value()))
    )


@contextmanager
def _no_undo() -> Iterator[None]:
    """Keep what happens inside out of the artist's undo steps."""
    was_disabled = bool(nuke.Undo.disabled())
    if not was_disabled:
        nuke.Undo.disable()
    try:
        yield
    finally:
        if not was_disabled:
            nuke.Undo.enable()


@contextmanager
def _unmodified() -> Iterator[None]:
    """Keep what happens inside from marking the script as changed."""
    was_modified = bool(nuke.root().modified())
    try:
        yield
    finally:
        nuke.root().setModified(was_modified)


@contextmanager
def _full_size() -> Iterator[None]:
    with _no_undo(), _unmodified(), _proxy(None):
        yield


@contextmanager
def _proxy(scale: float | None) -> Iterator[None]:
    """Switch proxy mode off, or on at ``scale``; restore it afterwards."""
    root = nuke.root()
    wanted = {"proxy": scale is not None}
    settings: dict[str, Any] = dict(wanted)
    if scale is not None:
        settings |= {"proxy_type": "scale", "proxy_scale": scale}
    before = {name: root[name].value() for name in settings}
    changed = [name for name, value in settings.items() if before[name] != value]
    try:
        for name in changed:
            root[name].setValue(settings[name])
        yield
    finally:
        for name in reversed(changed):
            root[name].setValue(before[name])


# Read-back ------------------------------------------------------------------------------------------------


def _add_read(read: ReadBack) -> str:
    """Make the Read of ``read``, or update the Read of the same job, or of the proxy job that it
    completes."""
    with _one_step("VOID result"), nuke.root():
        existing = _read_of(read.job_id) or (_read_of(read.replaces_job) if read.replaces_job else None)
        node = existing if existing is not None else _new_read()
        size = _format(read.width, read.height, read.pixel_aspect) if read.is_proxy else None
        set_files(node, read, size)
        set_colour(node, read.colour_space)
        node["label"].setValue(read.label)
        node[_JOB_KNOB].setValue(read.job_id)
        if existing is None:
            plate = nuke.toNode(read.beside)
            _place(node, plate)
            if read.compare and plate is not None and plate.parent() == node.parent():
                for made in wire_comparison(nuke.nodes, plate, node, read.matte_channel):
                    _place(made, node)
        return node.fullName()


@contextmanager
def _one_step(name: str) -> Iterator[None]:
    nuke.Undo.begin(name)
    try:
        yield
    finally:
        nuke.Undo.end()


def _read_of(job_id: str) -> nuke.Node | None:
    for node in nuke.allNodes("Read"):
        knob = node.knob(_JOB_KNOB)
        if knob is not None and knob.value() == job_id:
            return node
    return None


def _new_read() -> nuke.Node:
    node = nuke.nodes.Read()
    node.setName("VoidResult1")
    knob = nuke.String_Knob(_JOB_KNOB, "VOID job")
    knob.setFlag(nuke.INVISIBLE)
    node.addKnob(knob)
    return node


def _format(width: int, height: int, pixel_aspect: float) -> nuke.Format:
    """Return the script's format of this size; where it has none, make one."""
    wanted = (width, height, 0, 0, width, height, round(pixel_aspect, 4))
    for known in nuke.formats():
        window = (known.width(), known.height(), known.x(), known.y(), known.r(), known.t())
        if (*window, round(known.pixelAspect(), 4)) == wanted:
            return known
    return nuke.addFormat(f"{width} {height} {pixel_aspect:g} void_{width}x{height}_{pixel_aspect:g}")


def _box(node: nuke.Node) -> NodeBox:
    width, height = node.screenWidth() or _NODE_SIZE[0], node.screenHeight() or _NODE_SIZE[1]
    return NodeBox(int(node.xpos()), int(node.ypos()), int(width), int(height))


def _place(node: nuke.Node, plate: nuke.Node | None) -> None:
    others = [other for other in nuke.allNodes() if other.fullName() != node.fullName()]
    beside = _box(plate) if plate is not None else NodeBox(0, 0, 0, 0)
    own = _box(node)
    node.setXYpos(*free_place(beside, (own.width, own.height), [_box(other) for other in others]))
