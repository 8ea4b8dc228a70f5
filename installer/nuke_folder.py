"""Puts the plug-in into a folder that Nuke searches, updates it, and removes it without a trace.

Everything lives in one folder of the plug-in's own. The only other file that is changed is ``init.py`` in
Nuke's folder: it gets one line, which does nothing once the plug-in's folder is gone.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from installer.errors import SetupError
from installer.folder_swap import replaced
from installer.nuke_wheels import NukePython, unpack
from installer.whole_file import write_whole

FOLDER = "void_for_nuke"
RECORD = "installed.json"
"""A record of what was installed, for the uninstaller and for the panel, which finds the server's Python in
it."""
_MARK = b"# VOID for Nuke: 'python3 installer nuke --uninstall' removes this line"
_LINE = (
    "import nuke, os; "
    "os.path.isfile(os.path.join({folder}, 'init.py')) and nuke.pluginAddPath({folder})  {mark}"
)
_PARTS = ("plugin/init.py", "plugin/menu.py", "plugin/void_nuke", "plugin/void_protocol", "gizmos")


@dataclass(frozen=True, slots=True)
class Record:
    """What was installed. ``added`` is the very text that init.py got; ``made_*`` say what was not there
    before."""

    version: str
    server_python: str
    added: str
    made_init: bool
    made_folder: bool


def install(
    nuke_dir: Path,
    checkout: Path,
    python: NukePython,
    wheels: Sequence[Path],
    version: str,
    server_python: Path,
) -> None:
    """Put the plug-in of ``checkout`` with the packages ``wheels`` into ``nuke_dir``.

    A second call replaces the first one's work. Packages for another Nuke's Python stay, so that one folder
    can serve a whole studio.

    Raises:
        SetupError: when a folder cannot be written to; everything is then as it was before.
    """
    ours = nuke_dir / FOLDER
    before = read_record(nuke_dir)
    if ours.exists() and before is None:
        why = f"{ours} is there and was not made by this installer"
        raise SetupError("The plug-in", why, "move that folder away, or name another with --nuke-dir")
    made_folder = not nuke_dir.exists() or (before is not None and before.made_folder)
    try:
        with _as_before_on_failure(nuke_dir), replaced(ours) as fresh:
            _copy(checkout, fresh)
            if (ours / "vendor").is_dir():
                shutil.copytree(ours / "vendor", fresh / "vendor")
            shutil.rmtree(fresh / "vendor" / python.tag, ignore_errors=True)
            unpack(wheels, fresh / "vendor" / python.tag)
            added, made_init = _plan_line(nuke_dir, before)
            record = Record(version, str(server_python), added, made_init, made_folder)
            (fresh / RECORD).write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
            _add_line(nuke_dir / "init.py", added)
    except OSError as error:
        remedy = "close Nuke, check that the folder may be written to, then run it again"
        raise SetupError(f"The plug-in in {nuke_dir}", f"it cannot be written ({error})", remedy) from error


def uninstall(nuke_dir: Path) -> bool:
    """Take the plug-in out of ``nuke_dir``, so that it is as it was before. Return whether it was there.

    Raises:
        SetupError: when files cannot be removed.
    """
    record = read_record(nuke_dir)
    if record is None:
        return False
    init = nuke_dir / "init.py"
    try:
        if init.is_file():
            content = init.read_bytes()
            left = _without_line(content, record.added.encode())
            if record.made_init and not left.strip():
                init.unlink()
            elif left != content:
                write_whole(init, left)
        shutil.rmtree(nuke_dir / FOLDER)
        if record.made_folder and not any(nuke_dir.iterdir()):
            nuke_dir.rmdir()
    except OSError as error:
        remedy = "close Nuke, check that the folder may be written to, then run it again"
        raise SetupError(f"The plug-in in {nuke_dir}", f"it cannot be removed ({error})", remedy) from error
    return True


def read_record(nuke_dir: Path) -> Record | None:
    """Return what the installer did in ``nuke_dir``, or None when it did nothing there."""
    path = nuke_dir / FOLDER / RECORD
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        remedy = f"delete {path.parent} and the line that speaks of VOID in {nuke_dir / 'init.py'}"
        raise SetupError(f"The record {path}", f"it is damaged ({error})", remedy) from error


@contextmanager
def _as_before_on_failure(nuke_dir: Path) -> Iterator[None]:
    """Make the folder for the block. When the block fails, it goes again, and ``init.py`` is what it was."""
    was_there, init = nuke_dir.exists(), nuke_dir / "init.py"
    content = init.read_bytes() if init.is_file() else None
    try:
        nuke_dir.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with suppress(OSError):
            if content is None:
                init.unlink(missing_ok=True)
            elif init.read_bytes() != content:
                write_whole(init, content)
            if not was_there:
                nuke_dir.rmdir()
        raise


def _copy(checkout: Path, target: Path) -> None:
    target.mkdir()
    leave_out = shutil.ignore_patterns("__pycache__", "*.pyc")
    for part in _PARTS:
        source = checkout / part
        if source.is_dir():
            shutil.copytree(source, target / source.name, ignore=leave_out)
        else:
            shutil.copyfile(source, target / source.name)


def _plan_line(nuke_dir: Path, before: Record | None) -> tuple[str, bool]:
    """Return the text that init.py has or gets, and whether the installer has made the file itself."""
    init = nuke_dir / "init.py"
    content = init.read_bytes() if init.is_file() else b""
    if before is not None and before.added.encode() in content:
        return before.added, before.made_init
    # A literal from ascii() reads alike in every source encoding.
    line = _LINE.format(folder=ascii(os.fspath(nuke_dir / FOLDER)), mark=_MARK.decode())
    newline = "\r\n" if b"\r\n" in content else "\n"
    lead = newline if content and not content.endswith(b"\n") else ""
    return lead + line + newline, not init.exists()


def _add_line(init: Path, added: str) -> None:
    content = init.read_bytes() if init.is_file() else b""
    if added.encode() not in content:
        write_whole(init, _without_line(content, b"") + added.encode())


def _without_line(content: bytes, added: bytes) -> bytes:
    """Return ``content`` as it was before ``added``, also when an editor has changed the text around it."""
    if added and added in content:
        before, _, behind = content.partition(added)
        # The newline before our line stays when an artist has written more text behind the line since.
        separator = added[: len(added) - len(added.lstrip(b"\r\n"))] if behind else b""
        return before + separator + behind
    lines = content.splitlines(keepends=True)
    return b"".join(line for line in lines if _MARK not in line)
