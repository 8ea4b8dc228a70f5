"""Takes the frames of one removal over and writes them as EXR, until the job can be made of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from void_engine.errors import EngineError
from void_engine.plates.exr.file import read_frame
from void_engine.plates.file_kinds import EXR_SUFFIXES
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.header import FRAME_RATE_ATTRIBUTE
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.writer import PlateWriter
from void_protocol.frame_list import describe_frames
from void_protocol.job import Role
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.handover.order import Order
from void_server.openfx_bridge.pixels.raw import RawPicture, finite_half, matte_pixels, plate_pixels
from void_server.openfx_bridge.results.folder import ResultFolder

MATTE_ROLES: tuple[Role, ...] = ("remove", "affected", "ignore")
PLATE = "plate"
_MOST_WAITING = 4096
_WAITING_BYTES = (384 << 20, 2 << 30)
"""At least and at most so many bytes of frames wait to be written, as the machine has memory: as long as they
find room, the host does not wait for the disk."""
_FEW_CORES = 4
_SAME_RATE = 0.001


@dataclass(frozen=True)
class Delivered:
    """The files of a removal, complete."""

    plate: str
    """The pattern of the plate's files."""
    mattes: dict[Role, str]
    """The pattern of each matte's files, by role."""


class Delivery:
    """The frames of one removal on their way to EXR. The methods may be called from any thread."""

    def __init__(self, order: Order, folder: ResultFolder) -> None:
        self.order = order
        self.folder = folder
        self._lock = threading.Lock()
        self._taken: set[tuple[str, int]] = set()
        self._referenced: dict[int, tuple[FramePattern, int]] = {}
        self._marks: set[str] = set()
        """The roles whose mattes mark anything."""
        self._sample: tuple[int, NDArray[np.float16]] | None = None
        """The first frame of the plate with its pixels, to compare its file with."""
        # Not compressed: they are read once and deleted, and compressing takes longer than all the rest.
        self._writer = PlateWriter(
            "none",
            threads=1 if (os.cpu_count() or 1) <= _FEW_CORES else 2,
            in_flight=_MOST_WAITING,
            in_flight_bytes=_room(),
            overwrite=True,
        )

    def take(self, role: str, frame: int, raw: RawPicture) -> None:
        """Take the pixels of a frame over. When this returns, the pixel file is the host's again.

        Raises:
            BridgeError: when the frame is none of the order or came before, its pixels cannot be read, or an
                earlier one could not be written.
        """
        if role != PLATE and role not in MATTE_ROLES:
            raise BridgeError(f"There is no role {role!a}; use plate, remove, affected or ignore.")
        self._claim(role, frame)
        try:
            self._take(role, frame, raw)
        except BaseException:
            with self._lock:
                self._taken.discard((role, frame))  # it may be sent again
            raise

    def _take(self, role: str, frame: int, raw: RawPicture) -> None:
        names: tuple[str, ...]
        pixels: NDArray[Any]
        if role == PLATE:
            names, pixels = plate_pixels(raw, self.order.box, self.order.space)
            if frame == self.order.first:
                self._sample = frame, pixels
        else:
            names, pixels = ("A",), matte_pixels(raw, self.order.box)
            if role not in self._marks and pixels.any():
                self._marks.add(role)
        self._write(role, frame, names, pixels)

    def refer(self, frame: int, path: Path) -> bool:
        """Say whether a frame of the plate is read from its own EXR file instead of from a host's pixels.

        The first frame must have come as pixels too, and be what its file holds.

        Raises:
            BridgeError: when the frame is none of the order.
        """
        self._check(frame)
        if not self.order.space.is_as_it_comes:
            return False
        found = _sequence_of(path)
        if found is None:
            return False
        pattern, number = found
        if frame == self.order.first:
            taken = self._sample is not None and self._is_same(path, number, self._sample[1])
        else:
            first = self._referenced.get(self.order.first)
            own = None if first is None else (first[0], first[1] + frame - self.order.first)
            taken = own == (pattern, number) and path.is_file()
        if taken:
            with self._lock:
                self._referenced[frame] = pattern, number
        return taken

    def complete(self, is_wanted: Callable[[], bool] = lambda: True) -> Delivered:
        """Write what is left, and return what the job is made of.

        Args:
            is_wanted: asked from time to time; the work ends early, by an error, when nobody wants it.

        Raises:
            BridgeError: when a file cannot be written.
        """
        try:
            plate = self._plate_files(is_wanted)
            mattes = self._matte_files(is_wanted)
            self._writer.close()
            self._number_as_plate(mattes)
        except EngineError as error:
            raise BridgeError(f"{error}.") from error
        except OSError as error:
            raise BridgeError(f"The mattes cannot be named: {error}.") from error
        if not is_wanted():
            raise BridgeError("Stopped before the plate was written.")
        return Delivered(plate, mattes)

    @property
    def offset(self) -> int:
        """What is added to a host's frame to get that of a file, once all frames have come."""
        return self._referenced[self.order.first][1] - self.order.first if self._is_referenced else 0

    def check_complete(self) -> None:
        """Refuse to make a job of what has come.

        Raises:
            BridgeError: when frames of the plate are missing, or nothing is marked.
        """
        numbers = range(self.order.first, self.order.last + 1)
        missing = [n for n in numbers if (PLATE, n) not in self._taken and n not in self._referenced]
        if missing:
            raise BridgeError(
                f"The host has not given the plate of {describe_frames(missing)}; press Remove again."
            )
        if not self._marks & {"remove", "affected"}:
            raise BridgeError(
                "The mattes are black on all frames, so nothing is to be removed; "
                "check what is connected to Remove."
            )

    def abandon(self) -> None:
        """Forget all of it, with its files."""
        self._writer.abandon()
        self.folder.discard()

    def _claim(self, role: str, frame: int) -> None:
        self._check(frame)
        with self._lock:
            if (role, frame) in self._taken:
                raise BridgeError(f"Frame {frame} of {role} has come before.")
            self._taken.add((role, frame))

    def _check(self, frame: int) -> None:
        if not self.order.first <= frame <= self.order.last:
            raise BridgeError(f"Frame {frame} is none of {self.order.first} to {self.order.last}.")

    def _path(self, role: str, number: int) -> Path:
        return self.folder.export / f"{role}.{number:04d}.exr"

    def _write(self, role: str, number: int, names: tuple[str, ...], pixels: NDArray[Any]) -> None:
        frame = Frame.from_pixels(number, names, pixels, pixel_aspect=self.order.pixel_aspect)
        if self.order.fps and role == PLATE:
            frame = frame.with_metadata({FRAME_RATE_ATTRIBUTE: _rate(self.order.fps)})
        try:
            self._writer.submit(frame, self._path(role, number))
        except EngineError as error:
            raise BridgeError(f"{error}.") from error
        except ValueError as error:
            raise BridgeError("This removal is complete; no frame can be added.") from error

    def _is_same(self, path: Path, number: int, pixels: NDArray[np.float16]) -> bool:
        """Whether a file holds these pixels, over a display window of the box's size."""
        try:
            frame = read_frame(path, number)
            if frame.display_size != self.order.size:
                return False
            colours = frame.read_rgb(frame.display_window)
        except EngineError:
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            return bool((colours.astype(np.float16) == pixels[..., :3]).all())

    @property
    def _is_referenced(self) -> bool:
        """Whether the plate is read from files of its own altogether."""
        return all(number in self._referenced for number in range(self.order.first, self.order.last + 1))

    def _plate_files(self, is_wanted: Callable[[], bool]) -> str:
        if self._is_referenced:
            return self._referenced[self.order.first][0].text
        for number, (pattern, own) in sorted(self._referenced.items()):
            # Some frames came as pixels, so that these become files beside them.
            if (PLATE, number) not in self._taken and is_wanted():
                frame = read_frame(pattern.path(own), own)
                half = finite_half(frame.read_rgb(frame.display_window))
                self._write(PLATE, number, ("R", "G", "B"), half)
        return str(self.folder.export / f"{PLATE}.%04d.exr")

    def _matte_files(self, is_wanted: Callable[[], bool]) -> dict[Role, str]:
        """The mattes, with black ones where none came. A role that marks nothing is left out."""
        width, height = self.order.size
        mattes: dict[Role, str] = {}
        for role in MATTE_ROLES:
            if role not in self._marks:
                continue
            for number in range(self.order.first, self.order.last + 1):
                if (role, number) not in self._taken and is_wanted():
                    self._write(role, number, ("A",), np.zeros((height, width, 1), np.float16))
            mattes[role] = str(self.folder.export / f"{role}.%04d.exr")
        return mattes

    def _number_as_plate(self, mattes: Iterable[str]) -> None:
        """Give mattes the numbers of the plate's own files, where those are not the host's."""
        offset = self.offset
        if not offset:
            return
        numbers = range(self.order.first, self.order.last + 1)
        for role in mattes:
            for number in reversed(numbers) if offset > 0 else numbers:  # so that no name is taken
                self._path(role, number).rename(self._path(role, number + offset))


def _room() -> int:
    least, most = _WAITING_BYTES
    return max(least, min(most, psutil.virtual_memory().available // 8))


def _sequence_of(path: Path) -> tuple[FramePattern, int] | None:
    """The sequence that an EXR file belongs to, and its number in it; None where it belongs to none."""
    name = path.name
    if (
        not path.is_absolute()
        or path.suffix.lower() not in EXR_SUFFIXES
        or "%" in str(path)
        or "#" in str(path)
    ):
        return None
    end = len(path.stem)
    begin = end
    while begin and name[begin - 1].isdecimal() and name[begin - 1].isascii():
        begin -= 1
    digits = name[begin:end]
    if not 0 < len(digits) <= 9:
        return None
    token = f"%0{len(digits)}d" if len(digits) > 1 else "%d"
    try:
        return FramePattern.parse(path.with_name(f"{name[:begin]}{token}{path.suffix}")), int(digits)
    except EngineError:
        return None


def _rate(fps: float) -> Fraction:
    whole = Fraction(round(fps))
    dropped = Fraction(round(fps * 1.001) * 1000, 1001)
    for rate in (whole, dropped):
        if rate and abs(float(rate) - fps) < _SAME_RATE:
            return rate
    return Fraction(fps).limit_denominator(1001)
