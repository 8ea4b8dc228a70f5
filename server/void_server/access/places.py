"""Finds, when a job is accepted, where the files that it names really lie.

Links are followed this once. The places are stored beside the job, and whoever opens its files later opens
them there and nowhere else. So a folder that is exchanged for a link afterwards leads nowhere.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from void_protocol.job import RemovalJob
from void_protocol.job_check import folder_token
from void_protocol.manifest import InputFile, input_files
from void_protocol.messages import Transfer
from void_server.access.allowed_paths import PathRules, shown
from void_server.errors import RequestRefused

_LINKED_FOLDERS = 64
"""The most folders that links of single files may lead to."""


class Places(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The patterns of a job's files with all links in their folders resolved. Those of files that are sent
    are empty: the server has a folder of its own for them."""

    plate: str = ""
    mattes: list[str] = []
    anchors: str = ""
    output: str = ""
    """The result's pattern, with the version number filled in."""
    linked_folders: list[str] = []
    """The folders that links in place of single input files led to."""


class PlaceFinder:
    """Finds the places of jobs that are accepted together. Each folder is resolved once for all of them: they
    were all sent before it was."""

    def __init__(self, reading: PathRules, writing: PathRules) -> None:
        """Allow inputs where ``reading`` says, and outputs where ``writing`` says."""
        self._reading = reading
        self._inputs = _Folders(reading)
        self._outputs = _Folders(writing)

    def find(self, job: RemovalJob, inputs: Transfer, outputs: Transfer) -> Places:
        """Resolve the job's paths, and check them.

        A file that does not exist passes; reading it reports the reason.

        Raises:
            RequestRefused: with code ``refused_path`` for a path that the rules do not allow, an input that
                is no regular file, or links into more than 64 folders.
        """
        found = self._find_inputs(job) if inputs == "paths" else Places()
        if outputs == "paths":
            _, output = self._outputs.resolve(job.output.versioned_pattern)
            return msgspec.structs.replace(found, output=output)
        return found

    def _find_inputs(self, job: RemovalJob) -> Places:
        anchors = job.anchors
        patterns = {
            "plate": job.shot.plate,
            **{f"matte.{index}": matte.pattern for index, matte in enumerate(job.mattes)},
            **({} if anchors is None else {"anchors": anchors.pattern}),
        }
        resolved: dict[str, str] = {}
        folders: dict[str, _Folder] = {}
        for group, pattern in patterns.items():
            folders[group], resolved[group] = self._inputs.resolve(pattern)
        linked: set[Path] = set()
        for file in input_files(job):
            target = _link_target(file, folders[file.group], self._reading)
            if target is not None and all(target != folder.path for folder in folders.values()):
                linked.add(target)
            if len(linked) > _LINKED_FOLDERS:
                raise RequestRefused(
                    "refused_path",
                    f"{shown(file.path)}: the job's files are links into more than {_LINKED_FOLDERS} "
                    "folders; name these folders' files, or send the files instead of their paths",
                )
        return Places(
            plate=resolved["plate"],
            mattes=[resolved[f"matte.{index}"] for index in range(len(job.mattes))],
            anchors=resolved.get("anchors", ""),
            linked_folders=sorted(str(folder) for folder in linked),
        )


class _Folder(NamedTuple):
    """A folder that was resolved."""

    path: Path
    beginning: str
    """How the paths of all that lies in it begin. A name is added to this as text, which is quicker than to
    join paths: a job may have half a million files."""


class _Folders:
    """The folders of patterns, each resolved and checked once."""

    def __init__(self, rules: PathRules) -> None:
        self._rules = rules
        self._known: dict[str, _Folder] = {}

    def resolve(self, pattern: str) -> tuple[_Folder, str]:
        """Return the folder that a pattern leads to, and the pattern there."""
        named, name = os.path.split(pattern)
        if name in ("", "."):
            named, name = os.path.split(Path(pattern))
        folder = self._known.get(named) or self._known.setdefault(named, self._look_up(Path(named)))
        return folder, folder.beginning + name

    def _look_up(self, named: Path) -> _Folder:
        folder = self._rules.resolve(named)
        if folder_token(str(folder)) is not None or "{version}" in str(folder):
            raise RequestRefused(
                "refused_path",
                f"{shown(named)} leads to a folder with a frame token in its name; rename that folder",
            )
        return _Folder(folder, str(folder / "_").removesuffix("_"))


def find_places(
    job: RemovalJob, inputs: Transfer, outputs: Transfer, reading: PathRules, writing: PathRules
) -> Places:
    """Resolve the paths of one job, and check them, as :meth:`PlaceFinder.find` does."""
    return PlaceFinder(reading, writing).find(job, inputs, outputs)


def _link_target(file: InputFile, folder: _Folder, rules: PathRules) -> Path | None:
    """Return the folder that a link in a file's place leads to; None where there is no link.

    Raises:
        RequestRefused: when it leads out, or when the file is no regular one.
    """
    path, target = folder.beginning + file.path.name, None
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            # What it leads to is asked only when that is allowed.
            real = rules.resolve(Path(path))
            target = real.parent
            mode = real.lstat().st_mode
    except OSError:
        return target
    if not stat.S_ISREG(mode):
        raise RequestRefused("refused_path", f"{shown(file.path)} is not a regular file")
    return target
