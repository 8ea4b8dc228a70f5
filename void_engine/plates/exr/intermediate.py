"""Writes frames that are read once and then deleted, as fast as a disk takes them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from void_engine.plates.exr.file import cannot_write
from void_engine.plates.exr.native import write_uncompressed
from void_engine.plates.frame.frame import Frame
from void_engine.plates.storage.output_folder import output_folder, put_in_place
from void_engine.plates.storage.waiting import write_obstacle


def write_intermediate(frame: Frame, path: Path, rate: Fraction | None = None) -> None:
    """Write a frame that is no part of a result: not compressed, with no metadata but pixel aspect and frame
    rate. An existing file is replaced.

    Args:
        frame: the frame, whose display window begins at (0, 0).
        path: the file's final name, which it gets when it is whole and on the disk.
        rate: frames a second; None to say nothing of it.

    Raises:
        OutputError: when the file cannot be written; nothing is left behind then.
    """
    try:
        with output_folder(path.parent) as folder, folder.new_file(path.name) as file:
            write_uncompressed(file.library_path, frame, rate)
            put_in_place(file, folder, path.name)
    except OSError as error:
        raise cannot_write(frame, path, error, write_obstacle(path, error)) from error
