"""Remembers what is installed in an environment, so that a second run has nothing to do."""

from __future__ import annotations

import json
from pathlib import Path

from installer.plan import InstallStep
from installer.project import Project
from installer.whole_file import write_whole

_FILE_NAME = "void-installed.json"


class Stamp:
    """The record of finished install steps in the environment ``prefix``.

    It counts only while the project's fingerprint and the environment's Python stay the same. Otherwise every
    step counts as not done.
    """

    def __init__(self, prefix: Path, project: Project, python_version: str) -> None:
        self._path = prefix / _FILE_NAME
        self._project = project
        self._valid_for = f"{python_version} {project.fingerprint()}"

    def covers(self, step: InstallStep) -> bool:
        """Return whether everything that ``step`` provides is installed already."""
        return self._provided_by(step) <= self._read()

    def add(self, step: InstallStep) -> None:
        """Remember that ``step`` is done."""
        installed = sorted(self._read() | self._provided_by(step))
        text = json.dumps({"valid_for": self._valid_for, "installed": installed}, indent=1)
        write_whole(self._path, (text + "\n").encode())

    def _provided_by(self, step: InstallStep) -> frozenset[str]:
        extras = {f"[{extra}]" for extra in self._project.expand(step.extras)}
        return frozenset(extras | set(step.requirements))

    def _read(self) -> frozenset[str]:
        try:
            record = json.loads(self._path.read_text(encoding="utf-8"))
            return frozenset(record["installed"]) if record["valid_for"] == self._valid_for else frozenset()
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
        ):  # the record is absent or damaged, so nothing is known
            return frozenset()
