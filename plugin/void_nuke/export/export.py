"""Exports a removal from the script, one frame at a time.

The export runs on any thread. Each frame of work goes to the main thread by itself, so that the host can draw
and answer in between. On the main thread itself (in a terminal) it runs through without a pause.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from void_nuke.errors import ExportCancelled, ExportError, HostBusyError
from void_nuke.export.pick import RemovalPick
from void_nuke.host.host import FrameRender, Host, PlateFiles, PlateInfo, Progress, RenderSource, RotoElement
from void_protocol.job import Anchors, Matte, Role, RotoShape, ShapeFrame
from void_protocol.view_pattern import for_view

T = TypeVar("T")
OnProgress = Callable[[float, str], None]
"""A function that is called on the export's thread with how much is done, 0..1, and what is being done."""
_FRAME = "%04d"
_BUSY_S = 0.5
"""How long to wait, in seconds, before a host that renders for the artist is asked again."""


@dataclass(frozen=True)
class Exported:
    """What was exported for one removal."""

    plate: PlateInfo
    plate_pattern: str
    colour_space: str
    """What a Read of the plate's files, and of the result, has to be set to: a colour space's name or
    ``raw``."""
    shapes: tuple[RotoShape, ...]
    mattes: tuple[Matte, ...]
    anchors: Anchors | None
    """The clean frames; None where there are none."""
    folder: Path | None
    """The folder of temporary files; None when there are none."""
    left_out: tuple[str, ...]
    """What of the marked elements does not travel as the artist sees it, one line for each."""


@dataclass(frozen=True)
class _MatteRender:
    role: Role
    source: RenderSource
    pattern: str
    inverted: bool
    label: str


class _Steps:
    """Work that is done on the main thread piece by piece, under one progress bar."""

    def __init__(
        self, host: Host, total: int, is_cancelled: Callable[[], bool], on_progress: OnProgress, title: str
    ) -> None:
        self._host = host
        self._total = max(total, 1)
        self._done = 0
        self._is_cancelled = is_cancelled
        self._on_progress = on_progress
        self._bar: Progress = host.on_main_thread(lambda: host.progress(title))

    def run(self, function: Callable[[], T], message: str) -> T:
        """Run one piece of the work on the main thread.

        Raises:
            ExportCancelled: when the artist cancelled before or during the piece.
        """
        self._on_progress(self._done / self._total, message)

        def piece() -> T:
            if self._is_cancelled() or self._bar.is_cancelled():
                raise ExportCancelled("the export was cancelled; nothing was submitted")
            self._bar.update(100 * self._done // self._total, message)
            return function()

        while True:
            try:
                result = self._host.on_main_thread(piece)
            except HostBusyError:
                if threading.current_thread() is threading.main_thread():
                    raise  # nobody else could end what is under way
                self._on_progress(self._done / self._total, "waiting until Nuke has ended another render")
                time.sleep(_BUSY_S)
            else:
                self._done += 1
                return result

    def close(self) -> None:
        self._host.on_main_thread(self._bar.close)


def export_removal(
    host: Host,
    pick: RemovalPick,
    folder: Path,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    on_progress: OnProgress = lambda fraction, message: None,
) -> Exported:
    """Export the plate, mattes and shapes of a removal.

    Args:
        host: the host that has the script open.
        pick: what to export.
        folder: the folder for temporary files; it is made only when there are any.
        is_cancelled: asked before each frame.
        on_progress: called with how far the export is.

    Raises:
        SelectionError: when a node or shape is gone, or does not give what it should.
        ExportError: when a frame cannot be rendered or the folder cannot be made.
        ExportCancelled: when the artist cancelled. In every case the caller removes the temporary files.
    """
    if pick.roto and pick.roles:
        # The shapes were drawn over what the roto node sees, which may be the plate at other frames.
        seen, _ = host.on_main_thread(partial(host.plate_of_roto, pick.plate, pick.roto))
        pick = replace(pick, plate=seen)
    plate = host.on_main_thread(partial(host.plate, pick.plate))
    if pick.view not in plate.views:
        raise ExportError(f"{pick.plate} has no view {pick.view!r}; choose one of {', '.join(plate.views)}")
    elements = host.on_main_thread(lambda: host.roto_elements(pick.roto)) if pick.roto and pick.roles else ()
    chosen = [element for element in elements if element.path in pick.roles]
    _require_all(pick, chosen)
    files = _usable_files(plate, pick)
    renders = _matte_renders(pick, chosen, folder)
    baked = [element for element in chosen if pick.shapes_only and element.can_bake]
    pieces = (files is None) + len(renders) + bool(baked)
    total = pieces * len(pick.frames.frames) + len(pick.anchors)
    has_files = files is None or bool(renders) or bool(pick.anchors)
    if has_files:
        _make(folder)
    steps = _Steps(host, total, is_cancelled, on_progress, f"VOID: exporting {pick.plate}")
    try:
        shapes, lost = _bake(host, pick, baked, steps)
        plate_pattern = files.pattern if files is not None else _render_plate(host, pick, folder, steps)
        for render in renders:
            _render_matte(host, pick, render, steps)
        anchors = _render_anchors(host, pick, plate, folder, steps)
    finally:
        steps.close()
    return Exported(
        plate=plate,
        plate_pattern=plate_pattern,
        colour_space=plate.colour_space if files is not None else "raw",
        shapes=shapes,
        mattes=tuple(
            Matte(role=render.role, pattern=render.pattern, channel="A", inverted=render.inverted)
            for render in renders
        ),
        anchors=anchors,
        folder=folder if has_files else None,
        left_out=_left_out(pick, chosen, lost),
    )


def _require_all(pick: RemovalPick, chosen: list[RotoElement]) -> None:
    missing = sorted(set(pick.roles) - {element.path for element in chosen})
    if missing:
        raise ExportError(f"{pick.roto} has no {', '.join(missing)} any more; mark the shapes again")
    if pick.shapes_only and not any(element.can_bake for element in chosen) and pick.roles:
        raise ExportError(
            f"none of the marked elements of {pick.roto} is a closed shape; switch 'shapes only' off"
        )


def _usable_files(plate: PlateInfo, pick: RemovalPick) -> PlateFiles | None:
    """Return the plate's own files when they have all frames of the removal, else None."""
    files = plate.files
    if (
        files is None
        or pick.render_plate
        or pick.layer  # Nuke has names of its own for some layers, and they are those of what it renders
        or pick.frames.first < files.frames.first
        or pick.frames.last > files.frames.last
    ):
        return None
    return replace(files, pattern=for_view(files.pattern, pick.view))


def _matte_renders(pick: RemovalPick, chosen: list[RotoElement], folder: Path) -> list[_MatteRender]:
    renders: list[_MatteRender] = []
    by_role: dict[Role, list[str]] = {}
    if not pick.shapes_only:
        for element in chosen:
            by_role.setdefault(pick.roles[element.path], []).append(element.path)
    for role, paths in by_role.items():
        source = RenderSource(pick.roto, tuple(paths), channel="rgba.alpha", format_of=pick.plate)
        pattern = str(folder / f"{role}.{_FRAME}.exr")
        renders.append(_MatteRender(role, source, pattern, False, f"{role} matte"))
    for index, matte in enumerate(pick.mattes):
        source = RenderSource(matte.node, None, channel=matte.channel, format_of=pick.plate)
        pattern = str(folder / f"{matte.role}_{index + 1}.{_FRAME}.exr")
        renders.append(
            _MatteRender(matte.role, source, pattern, matte.inverted, f"{matte.role} matte of {matte.node}")
        )
    return renders


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"cannot make the folder {folder}: {error.strerror or error}; choose another output path"
        ) from error


def _bake(
    host: Host, pick: RemovalPick, elements: list[RotoElement], steps: _Steps
) -> tuple[tuple[RotoShape, ...], dict[str, set[str]]]:
    """Bake the shapes, and say by path what of each is lost on some frame."""
    paths = [element.path for element in elements]
    frames: dict[str, list[ShapeFrame]] = {path: [] for path in paths}
    lost: dict[str, set[str]] = {}

    def bake(frame: int) -> None:
        for shape in host.bake_roto(pick.roto, paths, frame, pick.view):
            frames[shape.path].append(shape.at)
            lost.setdefault(shape.path, set()).update(shape.not_carried)

    for frame in pick.frames.frames if paths else ():
        steps.run(partial(bake, frame), f"baking shapes, frame {frame}")
    shapes = tuple(
        RotoShape(
            name=element.name or element.path, role=pick.roles[element.path], frames=frames[element.path]
        )
        for element in elements
    )
    return shapes, lost


def _render_plate(host: Host, pick: RemovalPick, folder: Path, steps: _Steps) -> str:
    pattern = str(folder / f"plate.{_FRAME}.exr")
    _render(host, pick, RenderSource(pick.plate), pattern, "plate", steps)
    return pattern


def _render_matte(host: Host, pick: RemovalPick, matte: _MatteRender, steps: _Steps) -> None:
    _render(host, pick, matte.source, matte.pattern, matte.label, steps)


def _render_anchors(
    host: Host, pick: RemovalPick, plate: PlateInfo, folder: Path, steps: _Steps
) -> Anchors | None:
    """Render the clean frames under the shot's own frame numbers."""
    if not pick.anchors:
        return None
    pattern = str(folder / f"anchor.{_FRAME}.exr")
    for anchor in pick.anchors:
        size = host.on_main_thread(partial(host.plate, anchor.node))
        if (size.width, size.height) != (plate.width, plate.height):
            raise ExportError(
                f"the clean frame {anchor.frame} of {anchor.node} is {size.width}x{size.height} and the "
                f"plate {plate.width}x{plate.height}; put a Reformat between them"
            )
        render = FrameRender(RenderSource(anchor.node), pattern % anchor.frame, anchor.at, pick.view)
        steps.run(partial(host.render_frame, render), f"rendering the clean frame {anchor.frame}")
    return Anchors(pattern=pattern, frames=sorted({anchor.frame for anchor in pick.anchors}))


def _render(
    host: Host, pick: RemovalPick, source: RenderSource, pattern: str, label: str, steps: _Steps
) -> None:
    for frame in pick.frames.frames:
        render = FrameRender(source=source, path=pattern % frame, frame=frame, view=pick.view)
        steps.run(partial(host.render_frame, render), f"rendering the {label}, frame {frame}")


def _left_out(pick: RemovalPick, chosen: list[RotoElement], lost: dict[str, set[str]]) -> tuple[str, ...]:
    """Say in words what the result will not show of the marked elements. A rendered matte shows all of it."""
    if not pick.shapes_only:
        return ()
    words = {element.path: sorted({*element.not_carried, *lost.get(element.path, ())}) for element in chosen}
    return tuple(f"{path}: {', '.join(each)}" for path, each in words.items() if each)
