"""``void ingest``: movies become plates and quadmasks."""

from __future__ import annotations

import os
import shlex
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.integration.command_case import HEIGHT, WIDTH, edit, void, write_shot
from tests.picture_files import grey, write_picture
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
    assert void("ingest", tmp_path / "plate.mkv", plate, "--colour-space", "srgb").code == 0
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
        ("good.mkv", ("--colour-space", "magic"), ExitCode.INVALID_JOB, "choose auto, srgb"),
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


def _matte_pictures(folder: Path, size: tuple[int, int] = (WIDTH, HEIGHT), suffix: str = "png") -> str:
    for number in (1001, 1002, 1003):
        pixels = grey(0, size=size, channels=1)
        pixels[size[1] // 4 : size[1] // 2, size[0] // 4 : size[0] // 2] = 255
        write_picture(folder / f"matte.{number}.{suffix}", pixels)
    return str(folder / f"matte.####.{suffix}")


def _new(folder: Path, plate: str, *options: str | Path) -> tuple[int, str]:
    (folder / "job.json").unlink(missing_ok=True)
    ran = void(
        "new", folder / "job.json", "--plate", plate, "--engine", "identity",
        "--output", folder / "out" / "r.%04d.exr", *options,
    )  # fmt: skip
    return ran.code, ran.err


def test_eight_bit_mattes_are_taken_as_they_are(tmp_path: Path) -> None:
    plate, mattes = write_shot(tmp_path / "shot"), _matte_pictures(tmp_path / "m")
    for _ in range(2):  # The second time what was made before is used.
        code, said = _new(tmp_path, plate, "--remove", mattes)
        assert code == 0, said
    assert "before" in said
    matte = read_job(tmp_path / "job.json").mattes[0]
    assert (matte.channel, Path(matte.pattern).parent.parent) == ("A", tmp_path / "ingested")
    assert void("run", tmp_path / "job.json").code == 0
    result = read_frame(tmp_path / "out" / "r.1002.exr", 1002)
    inside = result.native("matte_2.A").astype(float)  # The plate has a matte.A of its own.
    assert inside[HEIGHT // 4 + 4, WIDTH // 4 + 4] == 1
    assert inside[2, 2] == 0
    before = read_frame(tmp_path / "shot" / "plate.1002.exr", 1002)
    assert np.array_equal(result.native("R"), before.native("R"))


def test_a_matte_of_another_size_is_refused_or_scaled(tmp_path: Path) -> None:
    plate = write_shot(tmp_path / "shot")
    for suffix in ("png", "exr"):
        mattes = _matte_pictures(tmp_path / "m", (WIDTH * 2, HEIGHT * 2), "png")
        if suffix == "exr":
            exr = tmp_path / "m" / "matte.%04d.exr"
            assert void("ingest", "--matte", mattes, exr).code == 0
            mattes = str(exr)
        code, said = _new(tmp_path, plate, "--remove", mattes)
        assert code == ExitCode.BAD_INPUT
        assert f"{WIDTH * 2}x{HEIGHT * 2}, the plate is {WIDTH}x{HEIGHT}" in said
        assert "--scale-mattes" in said
        code, said = _new(tmp_path, plate, "--remove", mattes, "--scale-mattes")
        assert code == 0, said
        made = read_job(tmp_path / "job.json").mattes[0].pattern
        frame = read_frame(Path(made % 1001), 1001)
        assert frame.display_size == (WIDTH, HEIGHT)
        assert frame.native("A")[HEIGHT // 4 + 1, WIDTH // 4 + 1] == 1


def test_a_plate_that_is_light_is_taken_and_another_one_names_its_ingest(tmp_path: Path) -> None:
    mattes = _matte_pictures(tmp_path / "m")
    for number in (1001, 1002, 1003):
        light = np.random.default_rng(number).normal(2, 1, (HEIGHT, WIDTH, 3)).astype(np.float32)
        write_picture(tmp_path / f"f.{number}.tif", light)
        write_picture(tmp_path / f"p.{number}.png", grey(188, size=(WIDTH, HEIGHT)))
    code, said = _new(tmp_path, str(tmp_path / "f.1001.tif"), "--remove", mattes)
    assert code == 0, said
    assert "frames 1001-1003" in said
    assert void("run", tmp_path / "job.json").code == 0
    assert np.array_equal(read_frame(tmp_path / "out" / "r.1003.exr", 1003).native("B"), light[..., 2])

    code, said = _new(tmp_path, str(tmp_path / "p.####.png"), "--remove", mattes)
    assert code == ExitCode.BAD_INPUT
    line = shlex.split(said.strip().rpartition(": void ")[2])
    assert line[0] == "ingest"
    assert void(*line[:-1], tmp_path / line[-1]).code == 0
    assert _new(tmp_path, str(tmp_path / "p.$F4.exr"), "--remove", mattes)[0] == 0


@pytest.mark.parametrize("options", [("--plate", "clip.mov"), ("--remove", "matte.mov")])
def test_movies_name_their_ingest(tmp_path: Path, options: tuple[str, str]) -> None:
    plate = write_shot(tmp_path / "shot")
    given = {"--plate": plate, "--remove": f"{plate}:matte.A", options[0]: str(tmp_path / options[1])}
    ran = void("new", tmp_path / "job.json", *(word for pair in given.items() for word in pair))
    assert ran.code == ExitCode.BAD_INPUT
    assert f"void ingest {'--matte ' if 'matte' in options[1] else ''}" in ran.err


@pytest.mark.skipif(os.name == "nt", reason="these are paths of this system there")
def test_a_path_of_windows_makes_no_file_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plate = write_shot(tmp_path / "shot")
    foreign = r"C:\shots\clean.%04d.exr"
    for options in (("--plate", plate, "--output", foreign), ("--plate", foreign)):
        ran = void("new", "job.json", "--remove", f"{plate}:matte.A", *options)
        assert ran.code == ExitCode.BAD_INPUT
        assert "path of Windows" in ran.err
    assert _new(tmp_path, plate, "--remove", f"{plate}:matte.A")[0] == 0
    fields: tuple[tuple[str | int, ...], ...] = (
        ("shot", "plate"),
        ("mattes", 0, "pattern"),
        ("output", "pattern"),
    )
    for path in fields:
        _new(tmp_path, plate, "--remove", f"{plate}:matte.A")
        edit(tmp_path / "job.json", *path, value=foreign.replace("clean", str(path[0])))
        ran = void("run", "job.json", "--wait", "0")
        assert ran.code == ExitCode.BAD_INPUT
        assert "path of Windows" in ran.err
    assert not [path for path in tmp_path.rglob("*") if "C:" in path.name]
