"""The picture of the plate behind the marked regions. The host renders it small; a thread reads it."""

from __future__ import annotations

import contextlib
import tempfile
from functools import partial
from pathlib import Path

from void_nuke.errors import HostBusyError, HostError
from void_nuke.export.plate_picture import PlatePicture, read_plate_picture
from void_nuke.host.host import FrameRender, Host, PlateInfo, RenderSource
from void_nuke.panel.background import Background
from void_nuke.qt import QObject, Signal

_WIDTH_PX = 480
"""The width of the picture in the panel, roughly, in pixels."""


class PictureModel(QObject):
    """One picture of one frame of one plate. The methods belong to the main thread."""

    changed = Signal()
    _read = Signal(object, object)

    def __init__(self, host: Host, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._reader = Background("void-plate-picture")
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._wanted: tuple[str, int, str] | None = None
        self.picture: PlatePicture | None = None
        """The newest picture of the plate; None until there is one, or when the plate gives none. It stays
        until the next one has come."""
        self.frame: int | None = None
        """The frame that :attr:`picture` shows."""
        self.problem = ""
        self._read.connect(self._take)

    @property
    def asked_frame(self) -> int | None:
        """The frame that was asked for last, whether its picture is there yet or not."""
        return None if self._wanted is None else self._wanted[1]

    def clear(self) -> None:
        """Show no picture, because one of another plate would mislead."""
        self._wanted = None
        if self.picture is not None:
            self.picture = self.frame = None
            self.changed.emit()

    def ask(self, plate: PlateInfo, frame: int, view: str) -> None:
        """Render the plate small, which takes the host as long as showing that frame. Reading the picture
        happens on another thread; until it is there the last one stays. While the host renders for the artist
        nothing happens: ask again."""
        wanted = (plate.node, frame, view)
        if wanted == self._wanted:
            return
        if self._wanted is not None and (wanted[0], wanted[2]) != (self._wanted[0], self._wanted[2]):
            self.clear()
        self._wanted = wanted
        scale = min(1.0, 1.0 / max(1, plate.width // _WIDTH_PX))
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="void-panel-", ignore_cleanup_errors=True)
        path = Path(self._folder.name) / f"plate_{frame}.exr"
        render = FrameRender(RenderSource(plate.node), str(path), frame, view, scale=scale)
        try:
            self._host.render_frame(render)
        except HostBusyError:
            self._wanted = None  # it is asked for again when the host has ended what it does
            return
        except HostError as error:
            self.problem = str(error)
            return
        self._reader.submit(partial(self._decode, wanted, path))

    def close(self) -> None:
        self._reader.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _decode(self, wanted: tuple[str, int, str], path: Path) -> None:
        try:
            picture = read_plate_picture(path)
        except HostError as error:
            picture, problem = None, str(error)
        else:
            problem = ""
        path.unlink(missing_ok=True)
        if self._reader.is_closed:
            return
        with contextlib.suppress(RuntimeError):  # the panel was closed in the meantime
            self._read.emit(wanted, (picture, problem))

    def _take(self, wanted: tuple[str, int, str], found: tuple[PlatePicture | None, str]) -> None:
        if wanted == self._wanted:
            (self.picture, self.problem), self.frame = found, wanted[1]
            self.changed.emit()
