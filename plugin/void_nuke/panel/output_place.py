"""Where the panel proposes to put files."""

from __future__ import annotations

from pathlib import Path


def output_in(folder: Path, name: str, word: str = "clean") -> str:
    """Return the pattern of a result for the shot ``name`` in a folder; ``word`` says what it is."""
    clean = f"{name}_{word}_{{version}}"
    return str(folder / clean / f"{clean}.%04d.exr")


def beside(output: str, name: str, word: str) -> str:
    """Return the pattern of other files of the shot, in the folder that has the versions of ``output``."""
    folder = Path(output).parent
    while "{version}" in folder.name:
        folder = folder.parent
    return output_in(folder, name, word)
