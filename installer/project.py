"""Reads from pyproject.toml and the constraints what an installation of the checkout needs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = Path(__file__).resolve().parent / "constraints.txt"

# Only these parts of pyproject.toml decide what an installation looks like; a new lint rule reinstalls
# nothing.
_INSTALL_TABLES = (("build-system",), ("project",), ("tool", "hatch"))
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")


class Project:
    """The project in ``root``; its files are read once."""

    def __init__(self, root: Path = ROOT, constraints: Path = CONSTRAINTS) -> None:
        self.root = root
        self.constraints = constraints
        with (root / "pyproject.toml").open("rb") as file:
            self._tables = tomllib.load(file)
        self.name: str = self._tables["project"]["name"]
        self.version: str = self._tables["project"]["version"]
        self._dependencies: list[str] = self._tables["project"].get("dependencies", [])
        self.build_requirements: list[str] = self._tables.get("build-system", {}).get("requires", [])
        self._extras: dict[str, list[str]] = self._tables["project"].get("optional-dependencies", {})

    def expand(self, extras: Iterable[str]) -> frozenset[str]:
        """Return ``extras`` with all those that they include in turn.

        Raises:
            KeyError: when the project does not have an extra.
        """
        found: set[str] = set()
        waiting = list(extras)
        while waiting:
            extra = waiting.pop()
            if extra in found:
                continue
            found.add(extra)
            for requirement in self._extras[extra]:
                name, included = parse_requirement(requirement)
                if name == normalised(self.name):
                    waiting.extend(included)
        return frozenset(found)

    def distributions(self, extras: Iterable[str]) -> frozenset[str]:
        """Return the normalised names of the distributions that ``extras`` ask for directly, not of what
        those need."""
        return frozenset(
            parse_requirement(requirement)[0]
            for extra in self.expand(extras)
            for requirement in self._extras[extra]
        )

    def requirements(self, extras: Iterable[str]) -> list[str]:
        """Return what the project and ``extras`` ask for, as it is written, without the project itself."""
        wanted = [*self._dependencies]
        for extra in sorted(self.expand(extras)):
            wanted += self._extras[extra]
        return [one for one in wanted if parse_requirement(one)[0] != normalised(self.name)]

    def fingerprint(self) -> str:
        """Return a text that changes when what gets installed does: dependencies, build, pins, the checkout's
        place."""
        tables: list[object] = []
        for path in _INSTALL_TABLES:
            table: object = self._tables
            for key in path:
                table = table.get(key) if isinstance(table, dict) else None
            tables.append(table)
        text = json.dumps([str(self.root), tables], sort_keys=True, default=str)
        return hashlib.sha256(text.encode() + self.constraints.read_bytes()).hexdigest()


def parse_requirement(requirement: str) -> tuple[str, list[str]]:
    """Split a requirement such as ``"void-nuke[demo]>=1"`` into its normalised distribution name and its
    extras.

    Raises:
        ValueError: when the requirement does not begin with a name.
    """
    match = _REQUIREMENT.match(requirement)
    if match is None:
        raise ValueError(f"not a requirement: {requirement!r}")
    extras = [extra.strip() for extra in (match.group(2) or "").split(",")]
    return normalised(match.group(1)), [extra for extra in extras if extra]


def normalised(name: str) -> str:
    """Return a distribution's name as indexes compare it: ``Scikit_Image`` and ``scikit-image`` are one."""
    return re.sub(r"[-_.]+", "-", name).lower()
