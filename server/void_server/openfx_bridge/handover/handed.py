"""The frames that a host has handed over and that are not EXR files yet: pixel files, the bridge's now.

They lie in a folder of their own for each removal, which outlives a bridge that is killed: a file's name says
all that has to be known of its pixels, so that the next bridge goes on from there.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from void_protocol.errors import KeyFileError
from void_protocol.private_folders import make_private_folder
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.pixels.raw import DEPTHS, RawPicture

_log = logging.getLogger(__name__)

_FOLDER = re.compile(r"handed-([A-Za-z0-9_-]+)", re.ASCII)
_RESULT = "result"
"""The file that holds the path of the removal's result."""
_NUMBER = r"(-?\d{1,12})"
_NAME = re.compile(
    rf"([a-z]+)\.{_NUMBER}\.{_NUMBER}\.{_NUMBER}\.{_NUMBER}\.{_NUMBER}\.{_NUMBER}\.{_NUMBER}\.([134])\.([a-z]+)",
    re.ASCII,
)


@dataclass(frozen=True)
class HandedFrame:
    """One frame in its pixel file."""

    role: str
    frame: int
    raw: RawPicture

    @property
    def bytes(self) -> int:
        """How much room it takes."""
        return self.raw.needed_bytes

    def done(self) -> None:
        """Delete the pixel file: the frame is an EXR file now."""
        self.raw.path.unlink(missing_ok=True)


class Handed:
    """The pixel files of one removal."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, root: Path, job: str, result: Path) -> Handed:
        """Make the folder for a removal.

        Args:
            root: where the folders of all bridges of this user are.
            job: the removal's identity.
            result: the folder of its result.

        Raises:
            BridgeError: when it cannot be made.
        """
        made = cls(root / f"handed-{job}")
        try:
            make_private_folder(made.path, closed=True)
            (made.path / _RESULT).write_text(
                str(result.absolute()), encoding="utf-8", errors="surrogateescape"
            )
        except (OSError, KeyFileError) as error:
            raise BridgeError(f"No private folder for pixels can be made: {error}.") from error
        return made

    @property
    def job(self) -> str:
        """The removal's identity."""
        return self.path.name.removeprefix("handed-")

    @property
    def result(self) -> Path | None:
        """The folder of the removal's result; None where nothing readable says so."""
        try:
            text = os.fsdecode((self.path / _RESULT).read_bytes())
        except OSError:
            return None
        return Path(text) if text else None

    @property
    def age_s(self) -> float:
        """For how long no file has come or gone, in seconds."""
        try:
            return time.time() - self.path.stat().st_mtime
        except OSError:
            return 0.0

    def adopt(self, role: str, frame: int, raw: RawPicture, *, given: bool) -> HandedFrame:
        """Take a pixel file over.

        Args:
            role, frame: what it is.
            raw: where the pixels lie.
            given: whether the file is the bridge's from now on. Else it is copied.

        Raises:
            BridgeError: when it is not there or too short, or there is no room for a copy.
        """
        raw.check()
        numbers = (frame, *raw.bounds, raw.offset, raw.row_bytes, raw.components)
        name = ".".join([role, *map(str, numbers), raw.depth])
        own = self.path / name
        try:
            if given:
                raw.path.replace(own)
            else:
                shutil.copyfile(raw.path, own, follow_symlinks=False)
        except OSError as error:
            own.unlink(missing_ok=True)
            raise BridgeError(
                f"The pixel file {raw.path.name} cannot be taken over: {error.strerror or error}."
            ) from error
        return HandedFrame(role, frame, replace(raw, path=own))

    def frames(self) -> list[HandedFrame]:
        """The frames that are here, as their names say."""
        found = []
        with suppress(OSError):
            for file in sorted(self.path.iterdir()):
                match = _NAME.fullmatch(file.name)
                if match is None or match[10] not in DEPTHS:
                    continue
                frame, x1, y1, x2, y2, offset, row_bytes = (int(match[index]) for index in range(2, 9))
                raw = RawPicture(file, offset, row_bytes, (x1, y1, x2, y2), int(match[9]), match[10])
                found.append(HandedFrame(match[1], frame, raw))
        return found

    def remove(self) -> None:
        """Remove it with all that is left in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def handed_of(root: Path, job: str) -> Handed | None:
    """The pixel files of a removal; None where there are none."""
    if _FOLDER.fullmatch(f"handed-{job}") is None:
        return None
    found = Handed(root / f"handed-{job}")
    return found if found.path.is_dir() else None


def all_handed(root: Path) -> Iterator[Handed]:
    """The pixel files of every removal of this user on this machine."""
    with suppress(OSError):
        for folder in sorted(root.iterdir()):
            if _FOLDER.fullmatch(folder.name) and folder.is_dir():
                yield Handed(folder)
