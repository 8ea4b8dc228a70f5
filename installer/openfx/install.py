"""Puts a bundle into a folder of plug-ins, updates it, and takes it out again."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from installer.errors import SetupError
from installer.folder_swap import replaced
from installer.openfx.bundle import FOLDER, Note, read_note, write_note
from installer.openfx.targets import TARGETS

_CLOSE_HOSTS = "close every host that has the plug-in loaded, then run it again"


def check_writable(plugins: Path, *, chosen: bool) -> None:
    """Check that a folder of plug-ins can be written to, before anything is built.

    Raises:
        SetupError: when it cannot; ``chosen`` says whether the artist named that folder.
    """
    probe = plugins / f".{FOLDER}.probe"
    folder = plugins
    while not folder.exists():
        folder = folder.parent
    try:
        if folder == plugins:
            probe.mkdir()
            probe.rmdir()
        else:
            made = folder / plugins.relative_to(folder).parts[0]
            made.mkdir()
            made.rmdir()
    except OSError as error:
        remedy = (
            "name another folder with --plugin-path"
            if chosen
            else "run it as administrator (sudo), or install for yourself with --plugin-path ~/OFX/Plugins "
            "and set OFX_PLUGIN_PATH to that folder where hosts start"
        )
        why = f"it cannot be written to ({error.strerror or error})"
        raise SetupError(f"The plug-ins' folder {plugins}", why, remedy) from error


def install(fresh: Path, plugins: Path, note: Note) -> Path:
    """Put the bundle ``fresh`` into ``plugins``, replacing one that is there. Return where it lies.

    Binaries for other systems that the one before had, of the same version, stay, and so do their Pythons:
    one folder can serve a whole studio.

    Raises:
        SetupError: when there is another's bundle, or the folder cannot be written to; all is then as before.
    """
    ours = plugins / FOLDER
    before = read_note(ours) if ours.exists() else None
    if ours.exists() and before is None:
        why = f"{ours} is there and was not made by this installer"
        raise SetupError(
            "The OpenFX plug-in", why, "move that folder away, or name another with --plugin-path"
        )
    made_folder = not plugins.exists() or (before is not None and before.made_folder)
    pythons = {**(before.pythons if before else {}), **note.pythons}
    try:
        plugins.mkdir(parents=True, exist_ok=True)
        with replaced(ours) as incoming:
            shutil.copytree(fresh, incoming)
            if before is not None and before.version == note.version:
                _keep_other_binaries(ours, incoming)
            write_note(incoming, replace(note, pythons=pythons, made_folder=made_folder))
    except OSError as error:
        raise SetupError(
            f"The plug-in in {plugins}", f"it cannot be written ({error})", _CLOSE_HOSTS
        ) from error
    return ours


def uninstall(plugins: Path) -> bool:
    """Take the bundle out of ``plugins``, and return whether it was there.

    The folder goes too, where the installer made it and nothing else is in it.

    Raises:
        SetupError: when it was made by somebody else or cannot be removed.
    """
    ours = plugins / FOLDER
    if not ours.exists():
        return False
    note = read_note(ours)
    if note is None:
        why = "it was not made by this installer"
        raise SetupError(f"The plug-in {ours}", why, "delete that folder by hand if it is to go")
    outgoing = plugins / f".{FOLDER}.old"
    try:
        shutil.rmtree(outgoing, ignore_errors=True)
        ours.rename(outgoing)
        shutil.rmtree(outgoing)
        if note.made_folder and not any(plugins.iterdir()):
            plugins.rmdir()
    except OSError as error:
        raise SetupError(
            f"The plug-in in {plugins}", f"it cannot be removed ({error})", _CLOSE_HOSTS
        ) from error
    return True


def _keep_other_binaries(old: Path, new: Path) -> None:
    for folder in dict.fromkeys(target.folder for target in TARGETS):
        source, place = old / "Contents" / folder, new / "Contents" / folder
        if source.is_dir() and not place.exists():
            shutil.copytree(source, place)
