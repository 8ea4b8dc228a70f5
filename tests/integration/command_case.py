"""What the tests of the ``void`` command share: a small shot and a way to run the command as a user does."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import OpenImageIO as oiio  # noqa: N813
from typer.testing import CliRunner

from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_server.cli.commands import app

FIRST, LAST = 1001, 1003
WIDTH, HEIGHT = 96, 64


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


def void(*arguments: str | Path) -> Ran:
    """Run the command in this process, which keeps its own environment and folder for temporary files."""
    # A wide terminal, so that messages are not broken into lines.
    runner = CliRunner(env={"COLUMNS": "400", "NO_COLOR": "1"})
    with patch.dict(os.environ), patch("tempfile.tempdir", tempfile.tempdir):
        result = runner.invoke(app, [str(word) for word in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def write_shot(folder: Path, numbers: Sequence[int] = range(FIRST, LAST + 1)) -> str:
    """A plate with a channel ``matte.A`` in the same files: a square in the middle."""
    folder.mkdir(parents=True, exist_ok=True)
    matte = np.zeros((HEIGHT, WIDTH), np.float16)
    matte[24:40, 40:56] = 1.0
    for number in numbers:
        picture = np.random.default_rng(number).normal(0.3, 0.2, (HEIGHT, WIDTH, 3)).astype(np.float16)
        pixels = np.concatenate([picture, matte[..., None]], axis=2)
        frame = Frame.from_pixels(number, ("R", "G", "B", "matte.A"), pixels)
        write_frame(frame, folder / f"plate.{number:04d}.exr")
    return str(folder / "plate.%04d.exr")


def write_stereo_shot(folder: Path) -> str:
    """A plate of two views in one part, each with a matte ``roto.A`` of its own: a square, further left for
    the right eye."""
    folder.mkdir(parents=True, exist_ok=True)
    views = oiio.ImageSpec()
    views.attribute("multiView", oiio.TypeDesc("string[2]"), ("left", "right"))
    names = [*"RGB", "roto.A", "right.R", "right.G", "right.B", "roto.right.A"]
    for number in range(FIRST, LAST + 1):
        pixels = np.random.default_rng(number).normal(0.3, 0.2, (HEIGHT, WIDTH, 8)).astype(np.float16)
        pixels[..., [3, 7]] = 0.0
        pixels[24:40, 40:56, 3] = pixels[24:40, 34:50, 7] = 1.0
        frame = Frame.from_pixels(number, names, pixels)
        frame = replace(frame, header=replace(frame.header, attributes=views))
        write_frame(frame, folder / f"plate.{number:04d}.exr", overwrite=True)
    return str(folder / "plate.%04d.exr")


def new_job(folder: Path, *, engine: str = "identity", name: str = "job.json") -> Path:
    """A job on the shot, made by ``void new``."""
    plate = write_shot(folder / "shot")
    (folder / "out").mkdir(exist_ok=True)
    job = folder / name
    ran = void(
        "new", job, "--plate", plate, "--remove", f"{plate}:matte.A", "--engine", engine,
        "--output", folder / "out" / "r_{version}.%04d.exr", "--no-check",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    return job


def edit(job: Path, *path: str | int, value: object) -> None:
    """Change one field of a job file."""
    tree = json.loads(job.read_text())
    at = tree
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    job.write_text(json.dumps(tree))
