"""File patterns, which tell the file of each frame: ``plate.%04d.exr``, ``plate.####.exr``, or a still."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from void_engine.errors import MissingFrameError, PlateError

# File names may hold a printf conversion of an integer, a run of hashes, or the view tokens of hosts.
_PRINTF = re.compile(r"%(0?)(\d*)d")
_HASHES = re.compile(r"#+")
_VIEW = re.compile(r"%[vV]")
_PATH_OF_WINDOWS = re.compile(r"[A-Za-z]:[/\\]|\\\\")


@dataclass(frozen=True, slots=True)
class FramePattern:
    """A file name with one frame token, or with none for a still that stands for every frame.

    The token is ``%04d``, ``%d`` or hashes, and stands in the file's name, not in its folder. The number of
    hashes is the least number of digits. A minus sign counts as a digit, as in printf (-7 in ``%04d`` is
    ``-007``).
    """

    text: str
    """The pattern as it was given."""
    folder: Path
    prefix: str
    suffix: str
    padding: int | None
    """The least number of characters of the frame number; None for a still."""

    @classmethod
    def parse(cls, text: str | Path) -> FramePattern:
        """Parse a pattern.

        Raises:
            PlateError: for an empty name, two tokens, a token in the folder, a view token, or a conversion
                other than a plain or zero-padded ``%d``.
        """
        text = str(text)
        folder, name = Path(text).parent, Path(text).name
        if not name:
            raise PlateError(f"'{text}' names no file; give a pattern such as plate.%04d.exr")
        if _VIEW.search(text):
            raise PlateError(
                f"'{text}' holds a view token; name the files of one view, e.g. plate_left.%04d.exr"
            )
        if _PRINTF.search(str(folder)):
            raise PlateError(f"'{text}' has a frame token in its folder; it must stand in the file name only")
        tokens = sorted([*_PRINTF.finditer(name), *_HASHES.finditer(name)], key=lambda found: found.start())
        if len(tokens) > 1:
            listed = ", ".join(found.group() for found in tokens)
            raise PlateError(f"'{text}' has more than one frame token ({listed}); keep one of them")
        if not tokens:
            if "%" in name:
                raise PlateError(f"'{text}' has a '%' that is no frame token; write %04d, %d or ####")
            return cls(text, folder, name, "", None)
        token = tokens[0]
        prefix, suffix = name[: token.start()], name[token.end() :]
        if "%" in prefix + suffix:
            raise PlateError(f"'{text}' has a '%' that is no frame token; write %04d, %d or ####")
        return cls(text, folder, prefix, suffix, _padding(text, token.group()))

    def __str__(self) -> str:
        return self.text

    @property
    def is_still(self) -> bool:
        """Whether one file stands for every frame."""
        return self.padding is None

    def path(self, frame: int) -> Path:
        """The file of a frame; a still has the same file for every frame."""
        return self.folder / self._name(frame)

    def require_numbered(self, purpose: str) -> None:
        """Refuse a pattern without a frame token where every frame needs a file of its own.

        Raises:
            PlateError: when there is no token; the message names ``purpose``, e.g. "the result".
        """
        if self.is_still:
            raise PlateError(
                f"'{self.text}' has no frame token, so all frames of {purpose} would be one file; "
                "write e.g. name.%04d.exr"
            )

    def frames_on_disk(self) -> list[int]:
        """The frame numbers that have a file, in order.

        Raises:
            MissingFrameError: when the folder does not exist.
            PlateError: when the folder cannot be listed, or the pattern is a still, which has no numbers.
        """
        if self.is_still:
            raise PlateError(
                f"'{self.text}' has no frame token, so its frames cannot be listed; write e.g. plate.%04d.exr"
            )
        number = re.compile(re.escape(self.prefix) + r"(-?\d+)" + re.escape(self.suffix))
        try:
            names = [entry.name for entry in self.folder.iterdir()]
        except FileNotFoundError as error:
            raise MissingFrameError(f"the folder '{self.folder}' of '{self.text}' does not exist") from error
        except OSError as error:
            raise PlateError(f"the folder '{self.folder}' cannot be listed: {error.strerror}") from error
        found = (int(match.group(1)) for match in map(number.fullmatch, names) if match)
        # A file whose number has another padding (plate.7.exr for %04d) does not belong to the pattern.
        on_disk = set(names)
        return sorted({frame for frame in found if self._name(frame) in on_disk})

    def _name(self, frame: int) -> str:
        if self.padding is None:
            return self.prefix
        return f"{self.prefix}{frame:0{self.padding}d}{self.suffix}"


def refuse_foreign_path(text: str | Path) -> None:
    """Refuse a path of Windows on other systems, where it would be a file of that very name.

    Raises:
        PlateError: for a drive's letter or a share's two backslashes at the beginning.
    """
    if os.name != "nt" and _PATH_OF_WINDOWS.match(str(text)):
        raise PlateError(
            f"'{text}' is a path of Windows, which this system does not have; write it as it is called here, "
            "e.g. /shots/plate.%04d.exr"
        )


def _padding(text: str, token: str) -> int:
    if token.startswith("#"):
        return len(token)
    match = _PRINTF.fullmatch(token)
    assert match is not None
    zero, width = match.groups()
    if width and not zero:
        raise PlateError(f"'{text}' pads frame numbers with spaces ({token}); write %0{width}d")
    return int(width) if width else 1


def compact_frames(frames: Iterable[int]) -> str:
    """Format frame numbers as people write them: ``1003, 1010-1012``."""
    runs: list[tuple[int, int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
