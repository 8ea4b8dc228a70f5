"""Takes the frames of one removal over and makes EXR files of them, until the job can be made."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from void_engine.errors import EngineError
from void_engine.plates.exr.file import read_frame
from void_engine.plates.exr.intermediate import write_intermediate
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence.pattern import FramePattern
from void_protocol.frame_list import describe_frames
from void_protocol.job import Role
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.handover.exr_sequence import sequence_of
from void_server.openfx_bridge.handover.handed import Handed, HandedFrame
from void_server.openfx_bridge.handover.order import Order
from void_server.openfx_bridge.pixels.raw import RawPicture, finite_half, matte_pixels, plate_pixels
from void_server.openfx_bridge.results.folder import ResultFolder

MATTE_ROLES: tuple[Role, ...] = ("remove", "affected", "ignore")
PLATE = "plate"
_AS_PLATE = "-as-plate"
"""What the names of mattes get that are numbered as the plate's own files."""
_FEW_CORES = 4
_QUIET_S = 0.05
"""After so many seconds without a frame the host is busy with something else, and files are written."""
_LOOK_S = 0.2
_SAME_RATE = 0.001


@dataclass(frozen=True)
class Delivered:
    """The files of a removal, complete."""

    plate: str
    """The pattern of the plate's files."""
    mattes: dict[Role, str]
    """The pattern of each matte's files, by role."""


class Delivery:
    """The frames of one removal on their way to EXR. The methods may be called from any thread.

    While a host hands frames over, nothing is written as long as there is room: both would wait for each
    other, and the host is waited for by a person.
    """

    def __init__(self, order: Order, folder: ResultFolder, handed: Handed, room_bytes: int) -> None:
        """Prepare to take frames.

        Args:
            order: what is ordered.
            folder: where EXR files go.
            handed: where pixel files wait.
            room_bytes: how much may wait there; beyond it :meth:`take` does.
        """
        self.order = order
        self.folder = folder
        self.handed = handed
        self._room_bytes = room_bytes
        self._condition = threading.Condition()
        self._taken: set[tuple[str, int]] = set()
        self._referenced: dict[int, tuple[FramePattern, int]] = {}
        self._marks: set[str] = set()
        """The roles whose mattes mark anything."""
        self._waiting: deque[HandedFrame] = deque()
        self._written = 0
        """How many are being written at this moment."""
        self._waiting_bytes = 0
        """The room that all of these take."""
        self._came = 0.0
        """When the last frame came."""
        self._is_completing = self._is_closed = False
        self._error: Exception | None = None
        self._threads: list[threading.Thread] = []

    # Frames come in --------------------------------------------------------------------------------------

    def take(
        self, role: str, frame: int, raw: RawPicture, *, given: bool = False, marks: bool | None = None
    ) -> None:
        """Take a frame over; waits while too much is to be written. When this returns, the pixel file is the
        host's again, or the bridge's.

        Args:
            role, frame: what it is.
            raw: where the pixels are.
            given: whether the file is the bridge's from now on.
            marks: whether a matte marks anything; None to find out.

        Raises:
            BridgeError: when the frame is none of the order or came before, its pixels cannot be read, or an
                earlier one could not be written.
        """
        if role != PLATE and role not in MATTE_ROLES:
            raise BridgeError(f"There is no role {role!a}; use plate, remove, affected or ignore.")
        self._claim(role, frame)
        try:
            one = self.handed.adopt(role, frame, raw, given=given)
        except BaseException:
            with self._condition:
                self._taken.discard((role, frame))  # it may be sent again
            raise
        if role != PLATE and role not in self._marks:
            is_marked = bool(matte_pixels(one.raw, self.order.box).any()) if marks is None else marks
            if is_marked:
                self._marks.add(role)
        self._add([one])
        with self._condition:
            self._condition.wait_for(
                lambda: self._waiting_bytes <= self._room_bytes or self._error or self._is_closed
            )

    def resume(self, marks: Iterable[str], referenced: Iterable[tuple[int, str, int]]) -> None:
        """Take over what an earlier bridge was given and has not finished.

        Args:
            marks: the roles whose mattes mark anything.
            referenced: frames that are read from files of their own: the frame, the pattern, the number.
        """
        self._marks |= set(marks)
        for frame, pattern, number in referenced:
            self._referenced[frame] = FramePattern.parse(Path(pattern)), number
        for path in self.folder.export.glob("*.exr"):
            role, _, text = path.stem.partition(".")
            if not text.lstrip("-").isdecimal():
                continue
            shift = self.offset if role.endswith(_AS_PLATE) else 0
            self._taken.add((role.removesuffix(_AS_PLATE), int(text) - shift))
        waiting = self.handed.frames()
        self._taken |= {(one.role, one.frame) for one in waiting}
        self._add(waiting)

    @property
    def marks(self) -> list[Role]:
        """The roles whose mattes mark anything."""
        return [role for role in MATTE_ROLES if role in self._marks]

    @property
    def referenced(self) -> list[tuple[int, str, int]]:
        """The frames that are read from files of their own, as :meth:`resume` takes them."""
        found = sorted(self._referenced.items())
        return [(frame, pattern.text, number) for frame, (pattern, number) in found]

    def refer(self, frame: int, path: Path) -> bool:
        """Say whether a frame of the plate is read from its own EXR file instead of from a host's pixels.

        The first frame must have come as pixels too, and be what its file holds.

        Raises:
            BridgeError: when the frame is none of the order.
        """
        self._check(frame)
        if not self.order.space.is_as_it_comes:
            return False
        found = sequence_of(path)
        if found is None:
            return False
        pattern, number = found
        if frame == self.order.first:
            taken = self._is_same(path, number)
        else:
            first = self._referenced.get(self.order.first)
            own = None if first is None else (first[0], first[1] + frame - self.order.first)
            taken = own == (pattern, number) and path.is_file()
        if taken:
            with self._condition:
                self._referenced[frame] = pattern, number
        return taken

    # They become files -----------------------------------------------------------------------------------

    def complete(self, is_wanted: Callable[[], bool] = lambda: True) -> Delivered:
        """Write what is left, and return what the job is made of.

        Args:
            is_wanted: asked from time to time; the work ends early, by an error, when nobody wants it.

        Raises:
            BridgeError: when a file cannot be written.
        """
        with self._condition:
            self._is_completing = True
            self._condition.notify_all()
            while (self._waiting or self._written) and not self._error and is_wanted():
                self._condition.wait(_LOOK_S)
        try:
            self._raise_error()
            plate = self._plate_files(is_wanted)
            mattes = self._matte_files(is_wanted)
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

    def close(self) -> None:
        """End the writing, whether it is complete or not, and forget the pixel files."""
        with self._condition:
            self._is_closed = True
            self._waiting.clear()
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()
        self.handed.remove()

    def abandon(self) -> None:
        """Forget all of it, with its files."""
        self.close()
        self.folder.discard()

    def _claim(self, role: str, frame: int) -> None:
        self._check(frame)
        self._raise_error()
        with self._condition:
            if self._is_completing or self._is_closed:
                raise BridgeError("This removal is complete; no frame can be added.")
            if (role, frame) in self._taken:
                raise BridgeError(f"Frame {frame} of {role} has come before.")
            self._taken.add((role, frame))

    def _check(self, frame: int) -> None:
        if not self.order.first <= frame <= self.order.last:
            raise BridgeError(f"Frame {frame} is none of {self.order.first} to {self.order.last}.")

    def _add(self, frames: Iterable[HandedFrame]) -> None:
        with self._condition:
            for one in frames:
                self._waiting.append(one)
                self._waiting_bytes += one.bytes
            self._came = time.monotonic()
            if not self._threads:
                count = 1 if (os.cpu_count() or 1) <= _FEW_CORES else 2
                self._threads = [
                    threading.Thread(target=self._write_all, name="plate-write", daemon=True)
                    for _ in range(count)
                ]
                for thread in self._threads:
                    thread.start()
            self._condition.notify_all()

    def _write_all(self) -> None:
        while True:
            with self._condition:
                while not self._may_write():
                    if self._is_closed or self._error:
                        return
                    self._condition.wait(_QUIET_S if self._waiting else None)
                one = self._waiting.popleft()
                self._written += 1
            error: Exception | None = None
            try:
                self._write_one(one)
            except (EngineError, BridgeError, OSError) as failure:
                error = failure
            except Exception as failure:  # noqa: BLE001 - else everybody would wait for a thread that is gone
                error = BridgeError(f"Frame {one.frame} of {one.role} cannot be written: {failure!r}.")
            with self._condition:
                self._written -= 1
                self._waiting_bytes -= one.bytes
                self._error = self._error or error
                self._condition.notify_all()

    def _may_write(self) -> bool:
        if not self._waiting or self._is_closed or self._error:
            return False
        is_full = 2 * self._waiting_bytes > self._room_bytes
        return self._is_completing or is_full or time.monotonic() - self._came >= _QUIET_S

    def _write_one(self, one: HandedFrame) -> None:
        names: tuple[str, ...]
        pixels: NDArray[Any]
        if one.role == PLATE:
            names, pixels = plate_pixels(one.raw, self.order.box, self.order.space)
        else:
            names, pixels = ("A",), matte_pixels(one.raw, self.order.box)
        self._write(one.role, one.frame, names, pixels)
        one.done()

    def _path(self, role: str, number: int) -> Path:
        return self.folder.export / f"{role}.{number:04d}.exr"

    def _write(self, role: str, number: int, names: tuple[str, ...], pixels: NDArray[Any]) -> None:
        frame = Frame.from_pixels(number, names, pixels, pixel_aspect=self.order.pixel_aspect)
        rate = _rate(self.order.fps) if self.order.fps and role == PLATE else None
        write_intermediate(frame, self._path(role, number), rate)

    def _raise_error(self) -> None:
        error = self._error
        if isinstance(error, BridgeError):
            raise error
        if error is not None:
            raise BridgeError(f"{error}.") from error

    def _is_same(self, path: Path, number: int) -> bool:
        """Whether a file holds the pixels of the first frame, over a display window of the box's size."""
        try:
            frame = read_frame(path, number)
            if frame.display_size != self.order.size:
                return False
            pixels = self._first_pixels()
            colours = frame.read_rgb(frame.display_window)
        except (EngineError, BridgeError):
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            return bool((colours.astype(np.float16) == pixels).all())

    def _first_pixels(self) -> NDArray[Any]:
        """The colours of the first frame as they came: from its pixel file, or its EXR where that has gone.

        Raises:
            BridgeError, EngineError: when it has not come.
        """
        first = self.order.first
        for one in self.handed.frames():
            if (one.role, one.frame) == (PLATE, first):
                try:
                    return plate_pixels(one.raw, self.order.box, self.order.space)[1][..., :3]
                except BridgeError:
                    break  # it is an EXR file by now
        frame = read_frame(self._path(PLATE, first), first)
        return frame.read_rgb(frame.display_window)

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
        for role in self.marks:
            for number in range(self.order.first, self.order.last + 1):
                if (role, number) not in self._taken and is_wanted():
                    self._write(role, number, ("A",), np.zeros((height, width, 1), np.float16))
            mattes[role] = str(self.folder.export / f"{self._numbered_as_plate(role)}.%04d.exr")
        return mattes

    def _numbered_as_plate(self, role: Role) -> str:
        """Give mattes the numbers of the plate's own files, where those are not the host's, and return how
        the files are called. What an earlier bridge has renamed stays."""
        offset = self.offset
        if not offset:
            return role
        name = f"{role}{_AS_PLATE}"
        for number in range(self.order.first, self.order.last + 1):
            with suppress(FileNotFoundError):
                self._path(role, number).rename(self._path(name, number + offset))
        return name


def _rate(fps: float) -> Fraction:
    whole = Fraction(round(fps))
    dropped = Fraction(round(fps * 1.001) * 1000, 1001)
    for rate in (whole, dropped):
        if rate and abs(float(rate) - fps) < _SAME_RATE:
            return rate
    return Fraction(fps).limit_denominator(1001)
