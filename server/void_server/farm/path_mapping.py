"""Paths of the submitting machine to those of the machine that works, by Open Job Description's rules.

A dispatcher that copies files, or whose workers see the same storage under another root, hands every task a
file of rules (schema ``pathmapping-1.0``). They apply to the patterns inside a job as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import msgspec
from msgspec import Struct

from void_protocol.job import RemovalJob
from void_server.farm.errors import FarmError


class _Rule(Struct, kw_only=True):
    source_path_format: str
    source_path: str
    destination_path: str


class _Rules(Struct, kw_only=True):
    version: str = ""
    path_mapping_rules: list[_Rule] = []


@dataclass(frozen=True)
class PathRule:
    """Everything below ``source`` is below ``destination`` here."""

    source: PurePath
    destination: Path


PathRules = Sequence[PathRule]


def read_rules(path: Path | None) -> PathRules:
    """The rules of a file, the longest source first; none without a file.

    Raises:
        FarmError: when the file is no such list.
    """
    if path is None:
        return ()
    try:
        found = msgspec.json.decode(path.read_bytes() or b"{}", type=_Rules)
    except OSError as error:
        raise FarmError(f"cannot read the path mapping {path}: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise FarmError(f"{path} does not hold path mapping rules (pathmapping-1.0): {error}") from error
    rules = []
    for rule in found.path_mapping_rules:
        kind = PureWindowsPath if rule.source_path_format.upper() == "WINDOWS" else PurePosixPath
        rules.append(PathRule(kind(rule.source_path), Path(rule.destination_path)))
    return sorted(rules, key=lambda rule: len(rule.source.parts), reverse=True)


def mapped(path: str, rules: PathRules) -> str:
    """``path`` as it is called here; as it is where no rule is for it."""
    for rule in rules:
        inside = type(rule.source)(path)
        if inside.is_relative_to(rule.source):
            return str(rule.destination.joinpath(*inside.relative_to(rule.source).parts))
    return path


def mapped_job(job: RemovalJob, rules: PathRules) -> RemovalJob:
    """The job with every pattern as it is called here."""
    if not rules:
        return job
    replaced = msgspec.structs.replace
    anchors = job.anchors
    return replaced(
        job,
        shot=replaced(job.shot, plate=mapped(job.shot.plate, rules)),
        mattes=[replaced(matte, pattern=mapped(matte.pattern, rules)) for matte in job.mattes],
        anchors=None if anchors is None else replaced(anchors, pattern=mapped(anchors.pattern, rules)),
        output=replaced(job.output, pattern=mapped(job.output.pattern, rules)),
    )
