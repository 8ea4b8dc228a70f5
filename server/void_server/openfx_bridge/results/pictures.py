"""Pictures for the host in files of the private folder, kept a while because hosts ask again and again."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from pathlib import Path

from void_server.openfx_bridge.conversation.framing import Message
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.pixels.space import PlateSpace
from void_server.openfx_bridge.results.finished import FinishedFrame
from void_server.openfx_bridge.results.folder import ResultFolder, find_folder
from void_server.openfx_bridge.results.record import Record

_COMPONENTS = 4
_DEPTHS = {2: "half", 4: "float"}
_MOST_FILES = 64
_Box = tuple[int, int, int, int]
_Key = tuple[str, int, int, str, PlateSpace, _Box, bool]
"""The file and its state, and what is made of it."""


@dataclass
class _Picture:
    """A file with a picture in it. The lock is held by whoever makes it."""

    key: _Key
    name: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    """How many times the host was told of it without having released it."""
    width: int = 0
    height: int = 0
    value_bytes: int = 0
    box: _Box = (0, 0, 0, 0)
    """The part of the full-size plate that it covers, y up."""

    @property
    def row_bytes(self) -> int:
        return self.width * _COMPONENTS * self.value_bytes

    @property
    def size(self) -> int:
        return self.height * self.row_bytes


class Pictures:
    """The pictures of one bridge. The methods may be called from any thread."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """Keep pictures in ``folder``: up to ``most_bytes``, and those that the host uses."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._pictures: dict[_Key, _Picture] = {}
        """The least recently asked for comes first."""
        self._lock = threading.Lock()
        self._numbers = itertools.count()

    def answer(self, record: Record, folder: str, frame: int, show: str, *, whole: bool = False) -> Message:
        """Answer ``picture``. With ``whole`` also the lines are handed over in which nothing was replaced.

        Raises:
            BridgeError: when the frame is there and cannot be read, or there is no room for it.
        """
        if not record.first <= frame <= record.last:
            return {"state": "outside", "text": f"Frame {frame} is none of this result."}
        found = find_folder(record, folder)
        if found is None:
            return _missing(
                f"The folder {record.folder_name} of this result is not there; set Folder to where it is."
            )
        path = found.path / record.file_name(frame)
        try:
            status = path.stat()
        except OSError:
            return _missing(_why_missing(record, found, frame))
        space = PlateSpace(record.space, record.premultiplied)
        key = (str(path), status.st_mtime_ns, status.st_size, show, space, record.box, whole)
        picture = self._claim(key)
        try:
            with picture.lock:
                if not picture.width:
                    self._make(picture, path, frame, record)
        except BaseException as error:
            self._forget(picture)
            if isinstance(error, _GoneError):
                return _missing(_why_missing(record, found, frame))
            raise
        self._trim()
        x1, y1, x2, y2 = picture.box
        told = {
            "offset": 0,
            "bytes": picture.size,
            "row_bytes": picture.row_bytes,
            "width": picture.width,
            "height": picture.height,
            "components": _COMPONENTS,
            "x1": x1,
            "y1": y1,
            "x2": x2,
            "y2": y2,
        }
        form = {"file": picture.name, "depth": _DEPTHS[picture.value_bytes]}
        return {"state": "ready", **form, **{name: str(value) for name, value in told.items()}}

    def release(self, name: str) -> None:
        """Take note that the host has read a picture, once for each time that it was told of it."""
        with self._lock:
            for picture in self._pictures.values():
                if picture.name == name:
                    picture.users = max(0, picture.users - 1)

    def _claim(self, key: _Key) -> _Picture:
        with self._lock:
            picture = self._pictures.pop(key, None)
            if picture is None:
                picture = _Picture(key, f"picture-{next(self._numbers)}.raw")
            self._pictures[key] = picture
            picture.users += 1
            return picture

    def _forget(self, picture: _Picture) -> None:
        """Take back a picture that could not be made; another that waits for it makes it anew."""
        with self._lock:
            picture.users = max(0, picture.users - 1)
            if not picture.users:
                self._pictures.pop(picture.key, None)
        if not picture.users:
            (self._folder / picture.name).unlink(missing_ok=True)

    def _make(self, picture: _Picture, path: Path, frame: int, record: Record) -> None:
        _, _, _, show, space, _, whole = picture.key
        plate_height = record.box[3] - record.box[1]
        finished = FinishedFrame.read(
            path, frame + record.offset, None if whole or show != "result" else plate_height
        )
        if finished is None:
            raise _GoneError
        pixels = finished.pixels(show, space)
        try:
            # Written, not mapped: the system need not clear pages then that are filled at once.
            (self._folder / picture.name).write_bytes(pixels.data)
        except OSError as error:
            raise BridgeError(
                f"There is no room for a picture in {self._folder}: {error.strerror or error}."
            ) from error
        picture.box = _part_of(record.box, finished)
        picture.value_bytes = pixels.itemsize
        picture.height, picture.width = pixels.shape[:2]

    def _trim(self) -> None:
        """Remove the pictures that were not asked for the longest, beyond what may be kept."""
        gone = []
        with self._lock:
            size = sum(picture.size for picture in self._pictures.values())
            for picture in list(self._pictures.values()):
                if size <= self._most_bytes and len(self._pictures) <= _MOST_FILES:
                    break
                if not picture.users:
                    size -= picture.size
                    gone.append(self._pictures.pop(picture.key))
        for picture in gone:
            (self._folder / picture.name).unlink(missing_ok=True)


class _GoneError(Exception):
    """The frame's file has gone between two looks."""


def _part_of(box: _Box, finished: FinishedFrame) -> _Box:
    """The part of a result's box that the lines cover which were read."""
    first, end = finished.lines
    height = finished.size[1]
    if (first, end) == (0, height):
        return box
    x1, _, x2, top = box
    return x1, top - end, x2, top - first


def _missing(text: str) -> Message:
    return {"state": "missing", "text": text}


def _why_missing(record: Record, folder: ResultFolder, frame: int) -> str:
    ready = folder.frames(record)
    kept = folder.kept()
    if kept is not None and kept.phase in ("failed", "cancelled"):
        how = "has failed" if kept.phase == "failed" else "was cancelled"
        return f"Frame {frame} was not made: the removal {how} ({ready} of {record.total} frames are there)."
    return f"Frame {frame} is not there yet ({ready} of {record.total} are)."
