"""``void ingest``: movies become plates and quadmasks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.integration.command_case import void
from tests.reference_data import CLIPS
from void_engine.plates.exr.file import read_frame
from void_protocol.job_file import read_job
from void_server.cli.exit_codes import ExitCode

av = pytest.importorskip("av")


def write_movie(path: Path, pictures: list[np.ndarray]) -> None:
    """Lossless, so that code values can be told apart."""
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("ffv1", rate=Fraction(24))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "gray" if pictures[0].ndim == 2 else "bgr0"
        for picture in pictures:
            kind = "gray" if picture.ndim == 2 else "rgb24"
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format=kind)))
        movie.mux(stream.encode())


def test_a_movie_becomes_a_job(tmp_path: Path) -> None:
    code = np.full((32, 48, 3), 188, np.uint8)
    write_movie(tmp_path / "plate.mkv", [code, code])
    levels = np.full((32, 48), 255, np.uint8)
    levels[4:8, 4:8], levels[4:8, 8:12], levels[8:12, 4:8] = 0, 63, 127
    write_movie(tmp_path / "quad.mkv", [levels, levels])
    plate, quad = tmp_path / "plate.%04d.exr", tmp_path / "quad.%04d.exr"
    assert void("ingest", tmp_path / "plate.mkv", plate, "--colour", "srgb").code == 0
    assert void("ingest", tmp_path / "quad.mkv", quad, "--quadmask", "--first", "1001").code == 0

    light = read_frame(tmp_path / "plate.1001.exr", 1001)
    expected = ((188 / 255 + 0.055) / 1.055) ** 2.4
    assert float(light.native("G")[5, 5]) == pytest.approx(expected, rel=2e-3)
    roles = read_frame(tmp_path / "quad.1002.exr", 1002)
    assert [float(roles.native("remove")[y, x]) for y, x in ((5, 5), (5, 9), (9, 5), (20, 20))] == [
        1,
        1,
        0,
        0,
    ]
    assert [float(roles.native("affected")[y, x]) for y, x in ((5, 5), (5, 9), (9, 5), (20, 20))] == [
        0,
        1,
        1,
        0,
    ]

    ran = void(
        "new", tmp_path / "job.json", "--plate", plate, "--quadmask", quad, "--engine", "identity",
        "--output", tmp_path / "out" / "r.%04d.exr",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert read_job(tmp_path / "job.json").shot.colour_space == "Linear Rec.709 (sRGB)"
    assert void("run", tmp_path / "job.json").code == 0
    assert len(list((tmp_path / "out").glob("*.exr"))) == 2


@pytest.mark.parametrize(
    ("movie", "options", "code", "says"),
    [
        ("nothing.mp4", (), ExitCode.BAD_INPUT, "nothing.mp4"),
        ("text.mp4", (), ExitCode.BAD_INPUT, "text.mp4"),
        ("good.mkv", ("--colour", "magic"), ExitCode.INVALID_JOB, "choose auto, srgb"),
    ],
)
def test_what_goes_wrong(
    tmp_path: Path, movie: str, options: tuple[str, ...], code: ExitCode, says: str
) -> None:
    (tmp_path / "text.mp4").write_text("this is no movie")
    write_movie(tmp_path / "good.mkv", [np.zeros((16, 16, 3), np.uint8)])
    ran = void("ingest", tmp_path / movie, tmp_path / "p.%04d.exr", *options)
    assert ran.code == code
    assert says in ran.err
    assert not list(tmp_path.glob("*.exr"))


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the shared clips are not beside the checkout")
def test_a_published_quadmask_has_exactly_its_levels(tmp_path: Path) -> None:
    quad = tmp_path / "q.%04d.exr"
    assert void("ingest", CLIPS / "ducky-float" / "quadmask.mp4", quad, "--quadmask").code == 0
    frames = sorted(tmp_path.glob("q.*.exr"))
    assert len(frames) == 62
    frame = read_frame(frames[40], 1041)
    values = set(np.unique(frame.native("quadmask").astype(np.float32) * 255).round().astype(int))
    assert values == {0, 63, 127, 255}
