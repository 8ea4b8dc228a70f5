"""Finds the files that people mean by what they type: ``plate.$F4.exr``, ``plate.@@@@.exr``, ``plate.*.exr``,
a folder, one file of a sequence, and ``matte.####.png:R`` for a channel.

A job holds ``%04d`` or ``####`` only. Whatever takes a pattern from a person asks here first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from void_engine.errors import MissingFrameError, PlateError
from void_engine.plates.file_kinds import kind_of
from void_engine.plates.sequence.pattern import FramePattern, compact_frames, refuse_foreign_path

# Houdini's $F4 and the @@@@ of Shake, Katana and RV. One @ alone may be part of a name.
_OTHER_TOKENS = re.compile(r"\$\{?F(?P<digits>\d{0,2})\}?|(?P<ats>@{2,}|(?<=[._-])@(?=[._-]))")
_NUMBERED = re.compile(r"(?P<before>.*?)(?P<number>\d+)(?P<after>\.[^.]+)", re.DOTALL)
_VERSION = re.compile(r"(?:^|[._-])[vV]$")
"""What comes before a number that is a version rather than a frame."""
_MOST_LISTED = 8


@dataclass(frozen=True, slots=True)
class TypedFiles:
    """The files that somebody means."""

    pattern: str
    """An absolute path with ``%04d`` or ``####``, or with none for a single file."""
    channel: str | None = None
    """The channel named after a colon; None where none is."""
    remark: str = ""
    """What was found where the text left it open, to be told; empty where it left nothing open."""


def split_channel(text: str) -> tuple[str, str | None]:
    """Split ``PATTERN:CHANNEL`` into pattern and channel; the channel is None where none is named.

    A colon counts only after the name of a picture or movie or a folder's slash, so that neither a drive of
    Windows nor a colon in a file's name is taken for it.
    """
    pattern, colon, channel = text.rpartition(":")
    if not colon or not channel or "/" in channel or "\\" in channel or kind_of(channel) is not None:
        return text, None
    if kind_of(pattern) is not None or pattern.endswith(("/", "\\")):
        return pattern, channel
    return text, None


def names_files(text: str) -> bool:
    """Whether ``PATTERN[:CHANNEL]`` ends as the name of a picture or a movie does."""
    return kind_of(split_channel(text)[0]) is not None


def canonical(text: str, base: Path | None = None) -> str:
    """The pattern as a job holds it: absolute, starting from ``base``, ``%04d`` for other programs' tokens.

    Raises:
        PlateError: for a path of Windows on another system.
    """
    refuse_foreign_path(text)
    folder, name = Path(text).parent, Path(text).name
    name = _OTHER_TOKENS.sub(_as_printf, name)
    return str((folder / name if base is None else base / folder / name).absolute())


def find_files(text: str, base: Path | None = None, *, may_be_still: bool = False) -> TypedFiles:
    """Find the files that ``PATTERN[:CHANNEL]`` means.

    A folder means the only sequence in it, ``*`` the only sequence that matches, and one file with a number
    the sequence that it belongs to. Where no such file is on this machine, the text is taken as it stands.

    Args:
        text: what was typed.
        base: the folder in which relative paths start; None for the process's current folder.
        may_be_still: whether a single numbered file without any other of its sequence is a still, rather than
            a sequence of one frame.

    Raises:
        PlateError: when several sequences could be meant, or for a path of Windows on another system.
        MissingFrameError: when a folder holds no picture, or nothing matches a ``*``.
    """
    typed, channel = split_channel(text)
    pattern = canonical(typed, base)
    path = Path(pattern)
    if channel is None and ":" in path.name and not path.exists():
        folder, _, named = pattern.rpartition(":")
        if named and kind_of(named) is None and Path(folder).is_dir():
            typed, channel, path = typed.rpartition(":")[0], named, Path(folder)
    if path.is_dir():
        found = _only_sequence([name for name in _names(path) if kind_of(name) in ("exr", "picture")], typed)
        return _told(path, found, typed, channel)
    if "*" in path.name:
        matching = re.compile(".*".join(re.escape(part) for part in path.name.split("*")), re.DOTALL)
        found = _only_sequence([name for name in _names(path.parent) if matching.fullmatch(name)], typed)
        return _told(path.parent, found, typed, channel)
    numbered = _NUMBERED.fullmatch(path.name)
    if numbered is None or kind_of(path.name) not in ("exr", "picture") or not path.is_file():
        return TypedFiles(pattern, channel)
    if _VERSION.search(numbered["before"]):
        return TypedFiles(pattern, channel)
    found = next(each for each in _sequences(_names(path.parent)) if path.name in each.names)
    if len(found.names) == 1:
        # A number alone is still the frame's number, so that the job does not count from 1.
        return TypedFiles(pattern if may_be_still else str(path.parent / found.name), channel)
    return _told(path.parent, found, typed, channel)


@dataclass(frozen=True, slots=True)
class _Sequence:
    """Files of one folder that differ in their frame number alone."""

    name: str
    """The name with its token; a plain name for a file without a number."""
    names: tuple[str, ...]
    numbers: tuple[int, ...]


def _sequences(names: Iterable[str]) -> list[_Sequence]:
    """Group names by what surrounds their last number; those padded otherwise are a sequence of their own."""
    groups: dict[tuple[str, str], list[str]] = {}
    single: list[_Sequence] = []
    for name in sorted(names):
        match = _NUMBERED.fullmatch(name)
        if match is None or _VERSION.search(match["before"]):
            single.append(_Sequence(name, (name,), ()))
        else:
            groups.setdefault((match["before"], match["after"]), []).append(match["number"])
    found = []
    for (before, after), numbers in groups.items():
        left = numbers
        while left:
            width = min(map(len, left))
            fitting = [number for number in left if f"{int(number):0{width}d}" == number]
            token = f"%0{width}d" if width > 1 else "%d"
            found.append(
                _Sequence(
                    f"{before}{token}{after}",
                    tuple(f"{before}{number}{after}" for number in fitting),
                    tuple(int(number) for number in fitting),
                )
            )
            left = [number for number in left if number not in fitting]
    return found + single


def _only_sequence(names: Sequence[str], typed: str) -> _Sequence:
    found = _sequences(names)
    if not found:
        raise MissingFrameError(f"'{typed}': no picture of that name is there; check the path")
    moving = [each for each in found if len(each.names) > 1]
    chosen = moving if moving else found
    if len(chosen) > 1:
        listed = ", ".join(each.name for each in chosen[:_MOST_LISTED])
        more = f" and {len(chosen) - _MOST_LISTED} more" if len(chosen) > _MOST_LISTED else ""
        raise PlateError(f"'{typed}' could mean {len(chosen)} sequences; name one of {listed}{more}")
    return chosen[0]


def _told(folder: Path, found: _Sequence, typed: str, channel: str | None) -> TypedFiles:
    pattern = str(folder / found.name)
    numbers = f"frames {compact_frames(found.numbers)}" if found.numbers else "one picture"
    return TypedFiles(pattern, channel, f"'{typed}' is taken for {pattern}, {numbers}")


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
    except FileNotFoundError as error:
        raise MissingFrameError(f"the folder '{folder}' does not exist") from error
    except OSError as error:
        raise PlateError(f"the folder '{folder}' cannot be listed: {error.strerror}") from error


def _as_printf(token: re.Match[str]) -> str:
    if token["ats"]:
        return f"%0{len(token['ats'])}d"
    return f"%0{int(token['digits'])}d" if token["digits"].strip("0") else "%d"


def numbers_of(pattern: FramePattern) -> list[int]:
    """The frame numbers on disk of a sequence.

    Raises:
        MissingFrameError: when there is none.
    """
    numbers = pattern.frames_on_disk()
    if not numbers:
        raise MissingFrameError(f"{pattern}: no frame on disk; check the path, or give the range")
    return numbers
