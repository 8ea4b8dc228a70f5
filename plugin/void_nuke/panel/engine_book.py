"""Keeps the engines that a server, or its installation, described last."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from void_nuke.batch.installed_engines import installed_engines
from void_nuke.panel.engines import KnownEngines, read_engines, write_engines
from void_nuke.panel.server import ServerModel
from void_nuke.qt import QObject, Signal
from void_protocol.engines import EngineDescription


class EngineBook(QObject):
    """The known engines. Everything belongs to the main thread."""

    changed = Signal()
    _installed = Signal(object)

    def __init__(self, server: ServerModel, file: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = server
        self._file = file
        self.engines = read_engines(file)
        self._asked_pythons: set[str] = set()
        self._installed.connect(self._take_installed)
        server.changed.connect(self.learn)

    def learn(self) -> None:
        """Take what the server tells, where that is something else than before."""
        told = self._server.picture.engines
        if told is not None and told != self.engines.told:
            self._keep(told)

    def ask_installation(self, python: str) -> None:
        """Ask the server's installation for its engines when no server ever told them: a studio that has only
        a farm runs none."""
        if self.engines.told is not None:
            return
        if not python or python in self._asked_pythons or not Path(python).is_file():
            return
        self._asked_pythons.add(python)

        def ask() -> None:
            told = installed_engines(python)
            with contextlib.suppress(RuntimeError):  # the panel was closed in the meantime
                self._installed.emit(told)

        threading.Thread(target=ask, name="void-engines", daemon=True).start()

    def _keep(self, told: tuple[EngineDescription, ...]) -> None:
        self.engines = KnownEngines(told)
        write_engines(self._file, told)
        self.changed.emit()

    def _take_installed(self, told: list[EngineDescription] | None) -> None:
        """Keep what the installation says, unless a server has told its engines first."""
        if told is not None and self.engines.told is None:
            self._keep(tuple(told))
