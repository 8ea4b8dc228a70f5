"""What the plug-in needs of its host, in plain values.

Nothing but :mod:`void_nuke.host.nuke_host` imports the host's own module. Nodes are named by their full name
(``Group1.Roto2``), roto elements by their path in the node (``Root/arm/hand``, see :class:`RotoElement`),
pixels count from the format's bottom-left corner with y **up**, frames are inclusive integers.

All methods but :meth:`Host.on_main_thread` and :meth:`Host.post` belong to the main thread. Each is short, so
that the host stays responsive between two of them: long work (rendering, baking) is asked for frame by frame
by :mod:`void_nuke.export.export` from a thread of its own, through :meth:`Host.on_main_thread`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from void_protocol.job import ShapeFrame

T = TypeVar("T")

ElementKind = Literal["shape", "open", "stroke"]
"""A closed shape; an open spline; a paint stroke."""


@dataclass(frozen=True)
class HostVersion:
    """Which host this is."""

    name: str
    """``Nuke``, or what stands in for it."""
    major: int
    minor: int
    release: int
    has_gui: bool

    def __str__(self) -> str:
        return f"{self.name} {self.major}.{self.minor}v{self.release}"


@dataclass(frozen=True)
class NodeInfo:
    """A node of the script."""

    name: str
    node_class: str
    has_roto: bool
    """Whether it holds roto curves."""


@dataclass(frozen=True)
class FrameRange:
    """Inclusive."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def frames(self) -> range:
        return range(self.first, self.last + 1)


@dataclass(frozen=True)
class PlateFiles:
    """A plate whose files can be used as they are: scene-linear EXR, read by a node with nothing after it."""

    pattern: str
    """Absolute path with the frame token as written in the node."""
    frames: FrameRange
    """What the Read offers."""


@dataclass(frozen=True)
class PlateInfo:
    """The picture that a node gives."""

    node: str
    width: int
    """Of the format (display window) in pixels, at full size, proxy mode or not."""
    height: int
    pixel_aspect: float
    frames: FrameRange
    """What the node says its range is."""
    views: tuple[str, ...]
    channels: tuple[str, ...]
    """Full names such as ``rgba.red``."""
    files: PlateFiles | None
    """None when the plate has to be rendered; :attr:`why_rendered` says why."""
    why_rendered: str
    colour_space: str
    """What a Read of the same files has to be set to: a colour space's name, or ``raw``."""


@dataclass(frozen=True)
class ScriptRanges:
    """Ranges that an artist may pick."""

    whole_script: FrameRange
    viewer: FrameRange | None
    """The viewer's in and out points; None without a viewer or without points."""
    current_frame: int


@dataclass(frozen=True)
class RotoElement:
    """A shape, open spline or stroke of a roto node."""

    path: str
    """Layers and name with slashes, ``Root`` first; of two with one path the second has ``#2`` added."""
    name: str
    kind: ElementKind
    colour: tuple[float, float, float]
    """The overlay's, 0..1, for the artist to recognise it."""
    is_visible: bool
    """At the current frame."""
    not_carried: tuple[str, ...]
    """What only a rendered matte shows, in words for the artist: ``blend mode 'minus'``. A stroke or open
    spline always has a word here: as a shape it cannot be carried at all."""

    @property
    def can_bake(self) -> bool:
        """Whether it can travel as a shape."""
        return self.kind == "shape"


@dataclass(frozen=True)
class RotoShapeInfo:
    """A shape, baked for one frame."""

    path: str
    at: ShapeFrame
    not_carried: tuple[str, ...] = ()
    """As :attr:`RotoElement.not_carried`, at this frame: everything about a shape may animate."""


@dataclass(frozen=True)
class RenderSource:
    """What a temporary Write renders."""

    node: str
    elements: tuple[str, ...] | None = None
    """Of a roto node, the only elements that show (paths); None renders the node as it is."""
    channel: str | None = None
    """The one channel wanted, written as ``A``; None renders all channels."""
    format_of: str | None = None
    """Node whose format a matte gets; None keeps the node's own."""


@dataclass(frozen=True)
class FrameRender:
    """One frame to render into one half-float EXR file."""

    source: RenderSource
    path: str
    """Without a frame token, absolute."""
    frame: int
    view: str
    proxy_scale: float | None = None
    """None forces proxy mode off; a number renders at that scale. Put back in both cases."""


@dataclass(frozen=True)
class ReadBack:
    """A Read node for a result."""

    label: str
    pattern: str
    frames: FrameRange
    colour_space: str
    """As :attr:`PlateInfo.colour_space`."""
    beside: str
    """The plate's node; a node that is gone is no error."""
    job_id: str
    is_proxy: bool = False
    """The files are smaller than the plate: they become the Read's proxy until the full ones arrive."""
    width: int = 0
    height: int = 0
    """The plate's format, which a proxy stands for."""
    pixel_aspect: float = 1.0
    replaces_job: str = ""
    """The job whose proxy Read this full-size result takes over, proxy file and all; empty for a Read of its
    own."""
    compare: bool = False
    """Wire a KeyMix of plate and result beside it."""
    matte_channel: str = ""
    """Channel of the result that says what was replaced, for the comparison: ``matte.A``, or none."""


class Progress(Protocol):
    """A bar that the host shows, with a way to cancel. Belongs to the main thread."""

    def update(self, percent: int, message: str) -> None:
        """Show ``percent`` (0..100)."""
        ...

    def is_cancelled(self) -> bool: ...

    def close(self) -> None:
        """Take it away; the second time does nothing."""
        ...


class Host(Protocol):
    """Nuke, or what stands in for it. See the module for the rules."""

    def version(self) -> HostVersion: ...

    def on_main_thread(self, function: Callable[[], T]) -> T:
        """Run ``function`` on the main thread and wait: from the main thread itself, at once.

        Raises:
            MainThreadError: when the host is shutting down.
            Exception: whatever ``function`` raised, with its traceback.
        """
        ...

    def post(self, function: Callable[[], None]) -> None:
        """Run ``function`` on the main thread soon, in the order of posting and never inside a render; its
        failure is logged. In a host without an event loop it waits for :meth:`run_posted`."""
        ...

    def run_posted(self, timeout_s: float) -> None:
        """In a host without an event loop (a terminal): do what was posted, waiting at most this long for the
        first. With an event loop it does nothing."""
        ...

    def selected_nodes(self) -> Sequence[NodeInfo]:
        """In the order of selection, the last one first."""
        ...

    def nodes(self) -> Sequence[NodeInfo]:
        """All nodes that can be a plate or matte source: of the root and of groups, not of gizmos."""
        ...

    def plate(self, node: str) -> PlateInfo:
        """
        Raises:
            SelectionError: when the node is gone or gives no picture.
        """
        ...

    def script_ranges(self) -> ScriptRanges: ...

    def roto_elements(self, node: str) -> Sequence[RotoElement]:
        """All elements, in the order of the node's list.

        Raises:
            SelectionError: when the node is gone or has no curves.
        """
        ...

    def bake_roto(self, node: str, paths: Sequence[str], frame: int, view: str) -> Sequence[RotoShapeInfo]:
        """The closed shapes at one frame, every transform applied, in the order of ``paths``.

        Raises:
            SelectionError: when the node or a shape is gone.
        """
        ...

    def render_frame(self, render: FrameRender) -> None:
        """Render one frame through temporary nodes that are gone afterwards, whatever happens; undo and the
        script's proxy mode stay as they were.

        Raises:
            ExportError: when the host cannot render it; the message names node and frame.
            ExportCancelled: when the artist cancelled in the host's own progress bar.
        """
        ...

    def progress(self, title: str) -> Progress: ...

    def add_read(self, read: ReadBack) -> str:
        """Make a Read node, or bring the one of the same job up to date, as one undo step; its name."""
        ...

    def script_path(self) -> str:
        """Of the saved script; empty for one that was never saved."""
        ...

    def open_script(self, path: str) -> None:
        """Open another script in the place of the present one, for a terminal.

        Raises:
            SelectionError: when it cannot be opened.
        """
        ...

    def notes(self) -> str:
        """What :meth:`keep_notes` kept in this script; empty when nothing was."""
        ...

    def keep_notes(self, text: str) -> None:
        """Keep a text with the script, invisible to the artist and outside undo."""
        ...

    def on_script_load(self, function: Callable[[], None]) -> None:
        """Call ``function`` whenever a script was opened."""
        ...
