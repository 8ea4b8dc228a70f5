"""The interface to the host program, in plain values.

Only :mod:`void_nuke.host.nuke_host` and its helpers ``nuke_*`` import the host's own module. Nodes are named
by their full name (``Group1.Roto2``), roto elements by their path in the node (``Root/arm/hand``, see
:class:`RotoElement`). Pixels count from the format's bottom-left corner with y **up**, and frame ranges
include both ends.

All methods but :meth:`Host.on_main_thread` and :meth:`Host.post` belong to the main thread. Each is short, so
that the host stays responsive between two of them. Long work (rendering, baking) is requested frame by frame
by :mod:`void_nuke.export.export` from a thread of its own, through :meth:`Host.on_main_thread`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from void_protocol.job import RotoShape, ShapeFrame

T = TypeVar("T")

ElementKind = Literal["shape", "open", "stroke"]
"""A closed shape, an open spline or a paint stroke."""


@dataclass(frozen=True)
class HostVersion:
    """Which program, and which version of it, is the host."""

    name: str
    """``Nuke``, or the name of what stands in for it."""
    major: int
    minor: int
    release: int
    has_gui: bool
    edition: str = ""
    """An edition that shows scripts only ten nodes, deleted ones included: ``Non-commercial`` or ``Indie``;
    empty for one without such a limit."""

    def __str__(self) -> str:
        return f"{self.name} {self.major}.{self.minor}v{self.release}"


@dataclass(frozen=True)
class NodeInfo:
    """A node of the script."""

    name: str
    has_roto: bool
    """Whether the node holds roto curves."""


@dataclass(frozen=True)
class FrameRange:
    """A range of frames; both ends are part of it."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def frames(self) -> range:
        return range(self.first, self.last + 1)


@dataclass(frozen=True)
class PlateFiles:
    """Files that can be used as the plate: scene-linear EXR, read by a node whose picture nothing changes
    after."""

    pattern: str
    """Absolute path, with the tokens for frame and view as they are written in the node."""
    frames: FrameRange
    """The frames that the Read offers."""
    is_working_space: bool = True
    """Whether their pixels are those of the script's working space, so that a Read set to ``raw`` shows
    them."""


@dataclass(frozen=True)
class PlateInfo:
    """The picture that a node gives."""

    node: str
    width: int
    """Width of the format (display window) in pixels at full size, whether or not proxy mode is on."""
    height: int
    pixel_aspect: float
    frames: FrameRange
    """The frames that the node says it has."""
    views: tuple[str, ...]
    channels: tuple[str, ...]
    """Full names such as ``rgba.red``."""
    files: PlateFiles | None
    """The plate's own files; None when it has to be rendered, and :attr:`why_rendered` says why."""
    why_rendered: str
    colour_space: str
    """What a Read of the same files has to be set to: a colour space's name, or ``raw``."""


@dataclass(frozen=True)
class ScriptRanges:
    """The frame ranges that an artist may choose."""

    whole_script: FrameRange
    viewer: FrameRange | None
    """The viewer's in and out points; None without a viewer or without points."""
    current_frame: int


@dataclass(frozen=True)
class RotoElement:
    """A shape, open spline or stroke of a roto node."""

    path: str
    """The names of the layers and the element, with slashes, ``Root`` first. The second of two elements with
    one path gets ``#2`` added."""
    name: str
    kind: ElementKind
    colour: tuple[float, float, float]
    """The overlay's colour, 0..1, by which the artist recognises the element."""
    is_visible: bool
    """Whether the element shows at the current frame."""
    not_carried: tuple[str, ...]
    """What only a rendered matte shows, in words for the artist, such as ``blend mode 'minus'``. A stroke or
    open spline always has an entry here, because it cannot travel as a shape at all."""

    @property
    def can_bake(self) -> bool:
        """Whether the element can travel as a shape."""
        return self.kind == "shape"


@dataclass(frozen=True)
class RotoShapeInfo:
    """A closed shape, baked for one frame."""

    path: str
    at: ShapeFrame
    not_carried: tuple[str, ...] = ()
    """As :attr:`RotoElement.not_carried`, but at this frame, because everything about a shape may animate."""


@dataclass(frozen=True)
class RenderSource:
    """The picture that a temporary Write renders."""

    node: str
    elements: tuple[str, ...] | None = None
    """Paths of the only elements of a roto node that show; None renders the node as it is."""
    channel: str | None = None
    """The one channel to render, which is written as ``A``; None renders all channels."""
    format_of: str | None = None
    """The node whose format a matte gets; None keeps the node's own format."""


@dataclass(frozen=True)
class FrameRender:
    """One frame that is rendered into one half-float EXR file."""

    source: RenderSource
    path: str
    """Absolute path of the file, without a frame token."""
    frame: int
    view: str
    scale: float | None = None
    """None renders at full size, whatever the script's proxy mode is. A number, 0..1, renders a picture for
    the panel: colour only, that much smaller, and in the proxy mode that is set."""


@dataclass(frozen=True)
class ReadBack:
    """What the Read node of a result needs."""

    label: str
    pattern: str
    frames: FrameRange
    colour_space: str
    """What the Read is set to; as :attr:`PlateInfo.colour_space`."""
    beside: str
    """The plate's node, beside which the Read is placed. It is no error when that node is gone."""
    job_id: str
    is_proxy: bool = False
    """Whether the files are smaller than the plate. They are then the Read's proxy until the full ones
    arrive."""
    width: int = 0
    height: int = 0
    """Height of the plate's format, for which a proxy stands."""
    pixel_aspect: float = 1.0
    replaces_job: str = ""
    """The job whose proxy Read this full-size result takes over; empty for a Read of its own."""
    compare: bool = False
    """Whether to build a comparison of plate and result beside the Read."""
    matte_channel: str = ""
    """The result's channel that says what was replaced, for the comparison: ``matte.A``, or empty for
    none."""


class Progress(Protocol):
    """A progress bar of the host, which the artist can cancel. It belongs to the main thread."""

    def update(self, percent: int, message: str) -> None:
        """Show ``percent`` (0..100)."""
        ...

    def is_cancelled(self) -> bool: ...

    def close(self) -> None:
        """Take the bar away; a second call does nothing."""
        ...


class Host(Protocol):
    """Nuke, or what stands in for it. The module's docstring gives the rules."""

    def version(self) -> HostVersion: ...

    def on_main_thread(self, function: Callable[[], T]) -> T:
        """Run ``function`` on the main thread and wait for it. On the main thread itself it runs at once.

        Raises:
            MainThreadError: when the host is shutting down.
            Exception: the exception that ``function`` raised, with its traceback.
        """
        ...

    def post(self, function: Callable[[], None]) -> None:
        """Run ``function`` on the main thread soon, in the order of posting and never inside a render. When
        it fails, the failure is logged. In a host without an event loop it waits for :meth:`run_posted`."""
        ...

    def run_posted(self, timeout_s: float) -> None:
        """In a host without an event loop (a terminal), run what was posted, waiting at most this long for
        the first call. With an event loop this does nothing."""
        ...

    def selected_nodes(self) -> Sequence[NodeInfo]:
        """Return the selected nodes in the order of selection, the last one first."""
        ...

    def nodes(self) -> Sequence[NodeInfo]:
        """Return all nodes that can give a plate or matte: those of the root and of groups, but not of
        gizmos."""
        ...

    def plate(self, node: str) -> PlateInfo:
        """Return what a node says about its picture.

        Raises:
            SelectionError: when the node is gone or gives no picture.
        """
        ...

    def plate_of_roto(self, plate: str, roto: str) -> tuple[str, str]:
        """Return the node that shows the plate on the frames of the roto node, and in words what moves the
        frames in between. Where nothing does, that is ``plate`` itself and an empty text.

        Raises:
            SelectionError: when one of the nodes is gone.
        """
        ...

    def is_busy(self) -> bool:
        """Return whether the host renders something at the moment, so that no other render can begin."""
        ...

    def script_ranges(self) -> ScriptRanges: ...

    def roto_elements(self, node: str) -> Sequence[RotoElement]:
        """Return all elements of a roto node, in the order of its list.

        Raises:
            SelectionError: when the node is gone or has no curves.
        """
        ...

    def bake_roto(self, node: str, paths: Sequence[str], frame: int, view: str) -> Sequence[RotoShapeInfo]:
        """Bake the closed shapes at one frame, with every transform applied, in the order of ``paths``.

        Raises:
            SelectionError: when the node or a shape is gone.
        """
        ...

    def add_roto(self, name: str, beside: str) -> str:
        """Make an empty roto node over the node ``beside``, as one undo step. Its alpha is that of its shapes
        alone. Return the name that it got."""
        ...

    def add_roto_shape(self, node: str, shape: RotoShape) -> None:
        """Add a closed shape to a roto node, with a key on each of its frames, which all have as many points.
        On frames where it is not visible it covers nothing. This is no undo step: undoing the making of the
        node takes it away.

        Raises:
            SelectionError: when the node is gone.
        """
        ...

    def render_frame(self, render: FrameRender) -> None:
        """Render one frame through temporary nodes that are removed afterwards in every case. Undo and the
        script's proxy mode stay as they were.

        Raises:
            ExportError: when the host cannot render it; the message names node and frame.
            HostBusyError: when the artist renders; the same call works once that has ended.
            ExportCancelled: when the artist cancelled in the host's own progress bar.
        """
        ...

    def progress(self, title: str) -> Progress: ...

    def add_read(self, read: ReadBack) -> str:
        """Make a Read node, or update the one of the same job, as one undo step. Return the node's name."""
        ...

    def join_views(self, reads: Mapping[str, str]) -> str:
        """Join the Reads of several views, given by the views' names, into one picture, as one undo step.
        Where one of them is joined already nothing happens. Return the name of the joining node; empty when a
        Read is gone."""
        ...

    def compare_reads(self, result: str, other: str) -> str:
        """Wire a comparison of two results beside the first, as one undo step. Return the name of its last
        node.

        Raises:
            SelectionError: when one of the nodes is gone.
        """
        ...

    def bake_gizmo(self, node: str) -> str:
        """Replace a gizmo by a Group of the same name, inputs and knobs, as one undo step, and return its
        name.

        Raises:
            SelectionError: when the node is gone, or is no gizmo.
        """
        ...

    def script_path(self) -> str:
        """Return the path of the open script; empty for one that was never saved."""
        ...

    def open_script(self, path: str) -> None:
        """Open another script in place of the present one; for a terminal.

        Raises:
            SelectionError: when it cannot be opened.
        """
        ...

    def notes(self) -> str:
        """Return the text that :meth:`keep_notes` kept in this script; empty when there is none."""
        ...

    def keep_notes(self, text: str) -> None:
        """Keep a text in the script, invisible to the artist and outside undo."""
        ...

    def on_script_load(self, function: Callable[[], None]) -> None:
        """Call ``function`` after every opening of a script."""
        ...

    def on_script_close(self, function: Callable[[], None]) -> None:
        """Call ``function`` whenever the open script is about to be closed, also for an empty one."""
        ...
