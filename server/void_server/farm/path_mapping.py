"""Maps paths of the submitting machine to those of the working machine, by Open Job Description's rules.

A dispatcher that copies files, or whose workers see the same storage under another root, gives every task a
file of rules (schema ``pathmapping-1.0``). They also apply to the patterns inside a job.
"""

from __future__ import annotations

import os
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
    """Says that everything below ``source`` is below ``destination`` on this machine."""

    source: PurePath
    destination: Path


PathRules = Sequence[PathRule]

MAPPING_VARIABLE = "VOID_PATH_MAPPING"
"""The variable that names a file of rules on the machines, for dispatchers that give tasks none."""


def read_rules(path: Path | None) -> PathRules:
    """Read a file of rules, the longest source first; without a file there are none.

    Raises:
        FarmError: when the file is not a list of rules.
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


def rules_of_machine(given: Path | None) -> PathRules:
    """Return the rules that a dispatcher gives a task, and then those of the machine.

    Raises:
        FarmError: when a file is not a list of rules.
    """
    own = os.environ.get(MAPPING_VARIABLE)
    found = [*read_rules(given), *read_rules(Path(own) if own else None)]
    return sorted(found, key=lambda rule: len(rule.source.parts), reverse=True)


def mapped(path: str, rules: PathRules) -> str:
    """Return ``path`` as it is called on this machine; unchanged where no rule applies."""
    for rule in rules:
        inside = type(rule.source)(path)
        if inside.is_relative_to(rule.source):
            return str(rule.destination.joinpath(*inside.relative_to(rule.source).parts))
    return path


def mapped_job(job: RemovalJob, rules: PathRules) -> RemovalJob:
    """Return the job with every pattern as it is called on this machine."""
    return job.with_patterns(lambda pattern: mapped(pattern, rules)) if rules else job
