"""Lists the files that a farm's machines need: those that jobs name, and those that nobody thinks of."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from void_engine.plates.sequence.pattern import FramePattern
from void_protocol.job import RemovalJob

_SEARCH_PATH = re.compile(r"^search_path:\s*(.*?)\s*$", re.MULTILINE)
_SEARCH_LIST = re.compile(r"^search_path:\s*\n((?:[ \t]+-[^\n]*\n?)+)", re.MULTILINE)


@dataclass(frozen=True)
class Assets:
    """Files and folders that a bundle's tasks read and write, as absolute paths."""

    files: Sequence[str] = ()
    folders: Sequence[str] = ()
    """Folders that are needed with everything in them."""
    outputs: Sequence[str] = ()
    """Folders that tasks write to."""
    outside: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The files and folders that no job names, by what they are: ``ocio``, ``fonts``, ``gizmos``, ``script``,
    ``other``. They are among the above."""


def assets_of(jobs: Iterable[RemovalJob], scratch: Path, outside: Mapping[str, Sequence[str]]) -> Assets:
    """Return what ``jobs`` read and write, and ``outside`` with it. No plate is opened."""
    files: dict[str, None] = {}
    outputs: dict[str, None] = {str(scratch): None}
    written: set[str] = set()
    for job in jobs:
        numbers = job.shot.frame_numbers
        for pattern in (job.shot.plate, *(matte.pattern for matte in job.mattes)):
            files.update(dict.fromkeys(_paths(pattern, numbers)))
        if job.anchors is not None:
            files.update(dict.fromkeys(_paths(job.anchors.pattern, job.anchors.frames)))
        outputs[str(Path(job.output.versioned_pattern).parent)] = None
        written.update(_paths(job.output.versioned_pattern, numbers))
    folders = []
    for path in (path for paths in outside.values() for path in paths):
        if Path(path).is_dir():
            folders.append(path)
        else:
            files[path] = None
    return Assets(_there(path for path in files if path not in written), folders, list(outputs), outside)


def _there(paths: Iterable[str]) -> list[str]:
    """Leave out files that are not there, which a dispatcher refuses; a step of the bundle may render them
    later. A folder is listed once, however many of its files are asked for."""
    names: dict[str, frozenset[str]] = {}
    found = []
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in names:
            try:
                names[folder] = frozenset(entry.name for entry in os.scandir(folder))
            except OSError:
                names[folder] = frozenset()
        if name in names[folder]:
            found.append(path)
    return found


def _paths(pattern: str, numbers: Iterable[int]) -> list[str]:
    parsed = FramePattern.parse(pattern)
    if parsed.is_still:
        return [str(parsed.path(0))]
    return [str(parsed.path(number)) for number in numbers]


def outside_assets(
    environment: Mapping[str, str], given: Iterable[Path], *, script: Path | None
) -> dict[str, Sequence[str]]:
    """Return what the jobs need but do not name, as far as the environment tells.

    Args:
        environment: variables of the tasks, or of the person who submits: ``OCIO``, and with a Nuke
            ``script`` also ``NUKE_PATH`` (gizmos, plug-ins) and ``NUKE_FONT_PATH``.
        given: files and folders that were named by hand.
    """
    found: dict[str, Sequence[str]] = {}
    config = environment.get("OCIO", "")
    if config and not config.startswith("ocio://"):
        found["ocio"] = [config, *_look_up_tables(Path(config))]
    if script is not None:
        found["script"] = [str(script)]
        for kind, variable in (("gizmos", "NUKE_PATH"), ("fonts", "NUKE_FONT_PATH")):
            paths = [path for path in environment.get(variable, "").split(os.pathsep) if path]
            there = [str(Path(path).absolute()) for path in paths if Path(path).exists()]
            if there:
                found[kind] = there
    other = [str(path.absolute()) for path in given]
    if other:
        found["other"] = other
    return found


def _look_up_tables(config: Path) -> list[str]:
    """Return the folders from which an OCIO configuration takes its look-up tables."""
    try:
        text = config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    listed = _SEARCH_LIST.search(text)
    if listed is not None:
        entries = [line.strip()[1:] for line in listed[1].splitlines()]
    else:
        plain = _SEARCH_PATH.search(text)
        entries = plain[1].split(":") if plain is not None else []
    names = [entry.strip().strip("\"'") for entry in entries]
    folders = [config.parent / name for name in names if name]
    return [str(folder) for folder in folders if folder.is_dir()]
