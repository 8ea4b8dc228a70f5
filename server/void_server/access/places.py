"""Finds, when a job is accepted, where the files that it names really lie.

Links are followed this once. The places are stored beside the job, and whoever opens its files later opens
them there and nowhere else. So a folder that is exchanged for a link afterwards leads nowhere.
"""

from __future__ import annotations

import stat
from pathlib import Path

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


def find_places(
    job: RemovalJob, inputs: Transfer, outputs: Transfer, reading: PathRules, writing: PathRules
) -> Places:
    """Resolve the job's paths, and check them.

    A file that does not exist passes; reading it reports the reason.

    Raises:
        RequestRefused: with code ``refused_path`` for a path that the rules do not allow, an input that is no
            regular file, or links into more than 64 folders.
    """
    found = _find_inputs(job, reading) if inputs == "paths" else Places()
    if outputs == "paths":
        output = _resolved_pattern(job.output.versioned_pattern, writing, {})
        return msgspec.structs.replace(found, output=output)
    return found


def _find_inputs(job: RemovalJob, reading: PathRules) -> Places:
    anchors = job.anchors
    patterns = {
        "plate": job.shot.plate,
        **{f"matte.{index}": matte.pattern for index, matte in enumerate(job.mattes)},
        **({} if anchors is None else {"anchors": anchors.pattern}),
    }
    known: dict[Path, Path] = {}
    resolved = {group: _resolved_pattern(pattern, reading, known) for group, pattern in patterns.items()}
    folders = {group: Path(pattern).parent for group, pattern in resolved.items()}
    linked: set[Path] = set()
    for file in input_files(job):
        target = _link_target(file, folders[file.group], reading)
        if target is not None and target not in folders.values():
            linked.add(target)
        if len(linked) > _LINKED_FOLDERS:
            raise RequestRefused(
                "refused_path",
                f"{shown(file.path)}: the job's files are links into more than {_LINKED_FOLDERS} folders; "
                "name these folders' files, or send the files instead of their paths",
            )
    return Places(
        plate=resolved["plate"],
        mattes=[resolved[f"matte.{index}"] for index in range(len(job.mattes))],
        anchors=resolved.get("anchors", ""),
        linked_folders=sorted(str(folder) for folder in linked),
    )


def _resolved_pattern(pattern: str, rules: PathRules, known: dict[Path, Path]) -> str:
    """Resolve the folder of a pattern; ``known`` holds those of this job that were resolved already."""
    path = Path(pattern)
    folder = known.get(path.parent) or known.setdefault(path.parent, rules.resolve(path.parent))
    if folder_token(str(folder)) is not None or "{version}" in str(folder):
        raise RequestRefused(
            "refused_path",
            f"{shown(path.parent)} leads to a folder with a frame token in its name; rename that folder",
        )
    return str(folder / path.name)


def _link_target(file: InputFile, folder: Path, rules: PathRules) -> Path | None:
    """Return the folder that a link in a file's place leads to; None where there is no link.

    Raises:
        RequestRefused: when it leads out, or when the file is no regular one.
    """
    path, target = folder / file.path.name, None
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            # What it leads to is asked only when that is allowed.
            real = rules.resolve(path)
            target = real.parent
            mode = real.lstat().st_mode
    except OSError:
        return target
    if not stat.S_ISREG(mode):
        raise RequestRefused("refused_path", f"{shown(file.path)} is not a regular file")
    return target
