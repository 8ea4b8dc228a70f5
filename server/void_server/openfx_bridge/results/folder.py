"""The folder of one result: its frames, and a file that says what they are and how far the removal is.

``removal.json`` holds the record and a phase. ``job.json`` is the job, and ``export`` holds the
plates and mattes that were made of the host's frames, until the removal has ended.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import re
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from void_protocol.durable import write_whole
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.processes import began, is_gone
from void_server.openfx_bridge.results.record import Record

_log = logging.getLogger(__name__)

STATE_FILE, JOB_FILE, LOG_FILE, EXPORT = "removal.json", "job.json", "removal.log", "export"
MOST_VERSIONS = 9999
Phase = Literal["receiving", "writing", "handed over", "finished", "failed", "cancelled"]
"""Frames come from the host; they are being written; the server has the job; or how it ended."""
FINAL: tuple[Phase, ...] = ("finished", "failed", "cancelled")


class Kept(Struct, frozen=True, kw_only=True):
    """What ``removal.json`` holds."""

    record: Record
    phase: Phase
    text: str = ""
    """Why it ended as it did."""
    host: str = ""
    pid: int = 0
    born: float = 0.0
    """The process that receives or writes frames."""
    real: float | None = None
    guessed: float | None = None
    invented: float | None = None

    @property
    def is_orphaned(self) -> bool:
        """Whether the process that should complete it is gone, as far as this machine can tell."""
        if self.phase not in ("receiving", "writing") or self.host != socket.gethostname():
            return False
        return is_gone(self.pid, self.born)


@dataclass(frozen=True)
class ResultFolder:
    """One version of a result."""

    path: Path

    @property
    def export(self) -> Path:
        """Where the plates and mattes of the host's frames are."""
        return self.path / EXPORT

    @property
    def job_file(self) -> Path:
        return self.path / JOB_FILE

    def kept(self) -> Kept | None:
        """Read how far the removal is; None where nothing readable says so."""
        try:
            return msgspec.json.decode((self.path / STATE_FILE).read_bytes(), type=Kept)
        except (OSError, ValueError):
            return None

    def keep(
        self,
        record: Record,
        phase: Phase,
        text: str = "",
        shares: tuple[float, float, float] | None = None,
    ) -> None:
        """Write down how far the removal is. A disk that does not take it is logged."""
        real, guessed, invented = shares or (None, None, None)
        kept = Kept(
            record=record,
            phase=phase,
            text=text,
            host=socket.gethostname(),
            pid=os.getpid(),
            born=began(os.getpid()),
            real=real,
            guessed=guessed,
            invented=invented,
        )
        content = json.dumps(msgspec.to_builtins(kept), indent=1).encode()
        try:
            write_whole(self.path / STATE_FILE, content)
        except OSError as error:
            _log.warning("%s cannot be written in %s: %s", STATE_FILE, self.path, error)

    def adopt(self, kept: Kept) -> bool:
        """Make this process the one that goes on with a removal whose own is gone; False where another is
        faster, or nothing can be written."""
        mark = self.export / f"orphan-{kept.pid}-{round(100 * kept.born)}"
        own = os.getpid()
        for _ in range(2):
            try:
                with mark.open("x", encoding="ascii") as file:
                    file.write(f"{own} {began(own)!r}")
            except FileExistsError:
                with contextlib.suppress(OSError, ValueError):
                    pid, born = mark.read_text(encoding="ascii").split()
                    if is_gone(int(pid), float(born)):
                        mark.unlink(missing_ok=True)
                        continue
                return False
            except OSError:
                return False
            self.keep(kept.record, kept.phase)
            return True
        return False

    def log(self) -> str:
        """The end of the log of a removal that has ended; empty where there is none."""
        try:
            return (self.path / LOG_FILE).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def keep_log(self, text: str) -> None:
        """Keep the end of the log. A disk that does not take it is logged."""
        if not text:
            return
        try:
            write_whole(self.path / LOG_FILE, f"{text}\n".encode())
        except OSError as error:
            _log.warning("%s cannot be written in %s: %s", LOG_FILE, self.path, error)

    def frames(self, record: Record) -> int:
        """How many frames of the result are there. A frame is there only when it is whole."""
        pattern = re.compile(re.escape(record.folder_name) + r"\.(-?\d+)\.exr", re.ASCII)
        low, high = record.first + record.offset, record.last + record.offset
        try:
            names = [entry.name for entry in self.path.iterdir()]
        except OSError:
            return 0
        numbers = (int(match[1]) for match in map(pattern.fullmatch, names) if match)
        return sum(low <= number <= high for number in numbers)

    def revision(self, record: Record, state: str, ready: int) -> str:
        """A text that is another one when a frame has come, or was made again; ``ready`` is what
        :meth:`frames` has counted."""
        try:
            changed = self.path.stat().st_mtime_ns  # a frame gets its name in here when it is whole
        except OSError:
            changed = 0
        return f"{record.job[:8]}.{ready}.{changed}.{state}"

    def discard_export(self) -> None:
        """Remove the plates and mattes that were made of the host's frames."""
        shutil.rmtree(self.export, ignore_errors=True)

    def discard(self) -> None:
        """Remove all of a removal that gave nothing. A folder that holds anything else stays."""
        self.discard_export()
        with contextlib.suppress(OSError):
            for name in (STATE_FILE, JOB_FILE, LOG_FILE):
                (self.path / name).unlink(missing_ok=True)
            self.path.rmdir()


def claim(folder: Path, name: str, version: int) -> tuple[int, ResultFolder]:
    """Make the folder of a version, which nobody else can get then.

    Args:
        folder: the folder of all results.
        name: what the result is called.
        version: the one wanted; 0 for the next one.

    Raises:
        BridgeError: when there is that version already, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not version:
            return _claim_next(folder, name)
        made = folder / f"{name}_v{version:03d}"
        made.mkdir()
        return version, ResultFolder(made)
    except FileExistsError as error:
        if folder.is_dir():
            raise BridgeError(
                f"{folder} has a version {version} of {name} already, and nothing is overwritten. "
                "Set Version to 0 for the next one."
            ) from error
        raise BridgeError(f"{folder} is a file, not a folder; choose another Folder.") from error
    except OSError as error:
        raise BridgeError(
            f"The folder {folder} cannot be used: {error.strerror or error}. Choose another Folder."
        ) from error


def _claim_next(folder: Path, name: str) -> tuple[int, ResultFolder]:
    expression = re.compile(re.escape(name) + r"_v(\d{3,4})", re.ASCII)
    names = [entry.name for entry in folder.iterdir()]
    taken = [int(match[1]) for match in map(expression.fullmatch, names) if match]
    for version in range(max(taken, default=0) + 1, MOST_VERSIONS + 1):
        made = folder / f"{name}_v{version:03d}"
        try:
            made.mkdir()
        except FileExistsError:  # another host was faster
            continue
        return version, ResultFolder(made)
    raise OSError(errno.ENOSPC, f"all {MOST_VERSIONS} versions of {name} are taken")


def discard_leftovers(folder: Path, name: str) -> list[Record]:
    """Remove what bridges that are gone have left in this folder: frames that were received and never handed
    on, and those of removals that are finished.

    Returns:
        What was never handed on.
    """
    gone = []
    for found in folder.glob(f"{name}_v*/{STATE_FILE}"):
        old = ResultFolder(found.parent)
        kept = old.kept()
        if kept is None:
            continue
        if kept.phase == "finished":
            old.discard_export()  # nobody reads them any more; a living bridge is about to do the same
        elif kept.phase == "receiving" and kept.is_orphaned:
            _log.info("removing %s, which a host began and never completed", old.path)
            old.discard()
            gone.append(kept.record)
    return gone


def find_folder(record: Record, folder: str) -> ResultFolder | None:
    """The folder of a result: below the effect's present folder where it is there, for a project that has
    moved; else where it was made. None where it is in neither."""
    candidates = [Path(record.folder)]
    if folder and Path(folder).is_absolute():
        candidates.insert(0, Path(folder) / record.folder_name)
    for path in candidates:
        if not path.is_dir():
            continue
        found = ResultFolder(path)
        kept = found.kept()
        # Another project may have a result of this name there.
        if kept is None or kept.record.job == record.job:
            return found
    return None
