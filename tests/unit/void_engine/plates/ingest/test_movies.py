from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.reference_data import CLIPS
from void_engine.errors import OutputExistsError, PlateError, SettingError
from void_engine.plates.exr.file import read_frame, read_header
from void_engine.plates.ingest.ingest import ingest as ingest_files
from void_engine.plates.ingest.request import Ingest
from void_engine.plates.movie.movie import Movie
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.sequence import PlateSequence

av = pytest.importorskip("av")

Planes = Sequence[NDArray[Any] | int]
Tags = dict[str, int]


def _write_movie(
    path: Path,
    frames: Sequence[Planes],
    pixel_format: str = "yuv444p",
    *,
    codec: str = "ffv1",
    size: tuple[int, int] = (64, 48),
    rate: Fraction = Fraction(24),
    tags: Tags | None = None,
    options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Encode a movie from frames, each given as a constant or an array for each plane."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pixel_format
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        for planes in frames:
            frame = av.VideoFrame(*size, pixel_format)
            for plane, values in zip(frame.planes, planes, strict=True):
                wide = frame.format.components[0].bits > 8
                row = np.zeros((plane.height, plane.line_size // (2 if wide else 1)), "<u2" if wide else "u1")
                # Packed RGB has three columns to a pixel.
                row[:, : values.shape[1] if isinstance(values, np.ndarray) else None] = values
                plane.update(row.tobytes())
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def ingest_movie(
    movie: Path,
    pattern: Path,
    *,
    first_frame: int | None = None,
    quadmask: bool = False,
    on_frame: Callable[[int, int], None] | None = None,
    **settings: Any,
) -> int:
    """Ingest a movie, and return how many frames there were."""
    wanted = Ingest(
        source=str(movie),
        target=FramePattern.parse(pattern),
        first=first_frame,
        purpose="quadmask" if quadmask else "plate",
        **settings,
    )
    return len(ingest_files(wanted, on_frame).numbers)


@pytest.fixture
def ingest(tmp_path: Path) -> Callable[..., Any]:
    """Give a function that ingests one movie and returns its first frame."""

    def run(movie: Path, **settings: Any) -> Any:
        pattern = tmp_path / "out" / "plate.%04d.exr"
        ingest_movie(movie, pattern, **settings)
        return read_frame(tmp_path / "out" / "plate.1001.exr", 1001)

    return run


def _srgb_light(code: float) -> float:
    return code / 12.92 if code <= 0.04045 else ((code + 0.055) / 1.055) ** 2.4


def _at(frame: Any) -> list[float]:
    return [float(frame.native(name)[24, 32]) for name in "RGB"]


# --- matrix, range and depth, with the codes of published test signals


@pytest.mark.parametrize(
    ("pixel_format", "planes"),
    [
        ("yuv420p", (235, 128, 128)),
        ("yuv444p", (235, 128, 128)),
        ("yuv422p10le", (940, 512, 512)),
        ("yuv444p12le", (3760, 2048, 2048)),
        ("gray", (255,)),
        ("gray10le", (1023,)),
        ("rgb24", (255,)),
        ("gbrp10le", (1023, 1023, 1023)),
    ],
)
def test_white_is_one(tmp_path: Path, ingest: Callable[..., Any], pixel_format: str, planes: Planes) -> None:
    container, codec = ("a.mov", "png") if pixel_format == "rgb24" else ("a.mkv", "ffv1")
    frame = ingest(_write_movie(tmp_path / container, [planes], pixel_format, codec=codec))
    assert _at(frame) == [1.0, 1.0, 1.0]
    assert frame.native("R").dtype == np.float16


@pytest.mark.parametrize(("pixel_format", "planes"), [("yuv420p", (16, 128, 128)), ("gray", (0,))])
def test_black_is_zero(tmp_path: Path, ingest: Callable[..., Any], pixel_format: str, planes: Planes) -> None:
    assert _at(ingest(_write_movie(tmp_path / "a.mkv", [planes], pixel_format))) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("pixel_format", "codec"),
    [("yuv420p", "ffv1"), ("yuv444p", "ffv1"), ("yuvj420p", "mjpeg"), ("yuvj444p", "mjpeg")],
)
def test_full_range_is_heeded(
    tmp_path: Path, ingest: Callable[..., Any], pixel_format: str, codec: str
) -> None:
    movie = _write_movie(
        tmp_path / "a.mkv", [(235, 128, 128)], pixel_format, codec=codec, tags={"color_range": 2}
    )
    assert _at(ingest(movie)) == pytest.approx([_srgb_light(235 / 255)] * 3, rel=1e-3)


# These are the yellow of 75 % colour bars at 8 bits and video levels, by matrix (BT.709 from SMPTE RP 219,
# BT.601 from SMPTE EG 1).
@pytest.mark.parametrize(
    ("size", "tags", "planes"),
    [
        ((64, 48), {"colorspace": 1}, (168, 44, 136)),
        ((64, 48), {"colorspace": 6}, (162, 44, 142)),
        ((64, 48), {}, (162, 44, 142)),
        ((1280, 720), {}, (168, 44, 136)),
    ],
)
def test_the_matrix_follows_tag_and_size(
    tmp_path: Path, ingest: Callable[..., Any], size: tuple[int, int], tags: Tags, planes: Planes
) -> None:
    frame = ingest(_write_movie(tmp_path / "a.mkv", [planes], size=size, tags=tags))
    code = np.array(_at(frame))
    np.testing.assert_allclose(code, [_srgb_light(0.75), _srgb_light(0.75), 0], atol=0.01)


def test_ten_bits_are_kept(tmp_path: Path, ingest: Callable[..., Any]) -> None:
    luma = np.full((48, 64), 500)
    luma[:, 32:] = 501
    frame = ingest(_write_movie(tmp_path / "a.mkv", [(luma, 512, 512)], "yuv444p10le"), colour="linear")
    left, right = float(frame.native("G")[10, 5]), float(frame.native("G")[10, 60])
    assert left == pytest.approx((500 - 64) / 876, abs=2.5e-4)
    assert right - left == pytest.approx(1 / 876, abs=2.6e-4)


# --- transfer functions


@pytest.mark.parametrize(
    ("tags", "colour", "light"),
    [
        ({}, "auto", _srgb_light(0.5)),
        ({"color_trc": 1}, "auto", 0.5**2.4),
        ({"color_trc": 13}, "auto", _srgb_light(0.5)),
        ({"color_trc": 8}, "auto", 0.5),
        ({"color_trc": 1}, "rec709", ((0.5 + 0.099) / 1.099) ** (1 / 0.45)),
    ],
)
def test_the_curve_follows_tag_and_setting(
    tmp_path: Path, ingest: Callable[..., Any], tags: Tags, colour: str, light: float
) -> None:
    movie = _write_movie(tmp_path / "a.mkv", [(512, 512, 512)], "gbrp10le", tags=tags)
    assert _at(ingest(movie, colour=colour))[0] == pytest.approx(light * 1.0023, rel=2e-3)


def test_hdr_movies_are_refused(tmp_path: Path, ingest: Callable[..., Any]) -> None:
    movie = _write_movie(tmp_path / "a.mkv", [(500, 512, 512)], "yuv444p10le", tags={"color_trc": 16})
    with pytest.raises(SettingError, match="PQ"):
        ingest(movie)
    assert list((tmp_path / "out").glob("*")) == []


def test_a_misspelt_curve_is_found_first(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no curve or colour space 'srbg'"):
        ingest_movie(tmp_path / "missing.mkv", tmp_path / "p.%04d.exr", colour="srbg")


# --- recorded metadata


def test_rate_timecode_and_primaries_are_recorded(tmp_path: Path) -> None:
    movie = _write_movie(
        tmp_path / "a.mov",
        [(100, 128, 128)] * 3,
        "yuv420p",
        codec="mpeg4",
        rate=Fraction(30000, 1001),
        metadata={"timecode": "01:00:00:00"},
    )
    assert ingest_movie(movie, tmp_path / "p.%04d.exr", first_frame=10) == 3
    metadata = read_header(tmp_path / "p.0012.exr", 12).metadata
    assert metadata["FramesPerSecond"] == (30000, 1001)
    assert metadata["smpte:TimeCode"] == (0x01000002, 0)
    assert metadata["chromaticities"] == pytest.approx((0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329))
    assert metadata["void/source_transfer"] == "srgb"
    assert metadata["void/source_movie"] == "a.mov"


def test_without_a_timecode_it_counts_as_the_frames_do(tmp_path: Path, ingest: Callable[..., Any]) -> None:
    frame = ingest(_write_movie(tmp_path / "a.mkv", [(100, 128, 128)]))
    assert frame.metadata["smpte:TimeCode"] == (0x00004117, 0)


def test_wide_primaries_are_named(tmp_path: Path, ingest: Callable[..., Any]) -> None:
    frame = ingest(_write_movie(tmp_path / "a.mkv", [(100, 128, 128)], tags={"color_primaries": 9}))
    assert frame.metadata["chromaticities"][:2] == pytest.approx((0.708, 0.292))


def test_progress_is_told(tmp_path: Path) -> None:
    movie = _write_movie(tmp_path / "a.mp4", [(n, 128, 128) for n in range(5)], "yuv420p", codec="mpeg4")
    told: list[tuple[int, int]] = []
    ingest_movie(movie, tmp_path / "p.%04d.exr", on_frame=lambda done, total: told.append((done, total)))
    assert told == [(n, 5) for n in range(1, 6)]
    PlateSequence(tmp_path / "p.%04d.exr", 1001, 1005).check()


def test_a_phone_held_upright_gives_an_upright_plate(tmp_path: Path, ingest: Callable[..., Any]) -> None:
    luma = np.full((48, 64), 16)
    luma[:, :32] = 235
    path = _write_movie(tmp_path / "a.mp4", [(luma, 128, 128)], "yuv420p", codec="mpeg4")
    content = path.read_bytes()
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 0x40000000)
    quarter = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 48 << 16, 0, 0x40000000)
    track = content.index(identity, content.index(b"tkhd"))
    path.write_bytes(content[:track] + quarter + content[track + len(identity) :])

    frame = ingest(path)
    assert frame.display_size == (48, 64)
    # A quarter turn clockwise brings the left side to the top.
    assert float(frame.native("G")[5, 24]) > 0.9
    assert float(frame.native("G")[60, 24]) < 0.1


# --- quadmasks


@pytest.mark.parametrize(
    ("pixel_format", "levels"),
    [
        ("yuv444p", (16, 70, 125, 235)),
        ("gray", (0, 63, 127, 255)),
        ("rgb24", (0, 63, 127, 255)),
        ("yuv422p10le", (64, 280, 500, 940)),
    ],
)
def test_a_quadmask_becomes_mattes(
    tmp_path: Path, ingest: Callable[..., Any], pixel_format: str, levels: Sequence[int]
) -> None:
    luma = np.repeat(np.array(levels), 16)[None, :].repeat(48, axis=0)
    planes: dict[str, Planes] = {
        "yuv444p": (luma, 128, 128),
        "yuv422p10le": (luma, 512, 512),
        "gray": (luma,),
        "rgb24": (luma.repeat(3, axis=1),),
    }
    container, codec = ("a.mov", "png") if pixel_format == "rgb24" else ("a.mkv", "ffv1")
    movie = _write_movie(tmp_path / container, [planes[pixel_format]], pixel_format, codec=codec)
    frame = ingest(movie, quadmask=True)
    assert frame.channel_names == ("affected", "quadmask", "remove")
    row = {name: frame.native(name)[20, 8::16].tolist() for name in frame.channel_names}
    assert row["remove"] == [1, 1, 0, 0]
    assert row["affected"] == [0, 1, 1, 0]
    np.testing.assert_allclose(row["quadmask"], np.array([0, 63, 127, 255]) / 255, atol=3e-4)
    assert "chromaticities" not in frame.metadata


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the shared clips are not beside the checkout")
def test_real_footage_decodes_to_levels_and_light() -> None:
    clip = CLIPS / "ducky-float"
    with Movie(clip / "quadmask.mp4") as movie:
        frames = movie.frames()
        levels = [movie.luma(next(frames)) for _ in range(12)]
    assert set(np.unique(levels[-1])) <= {0, 63, 127, 255}
    with Movie(clip / "plate.mp4") as movie:
        first = next(movie.frames())
        described = movie.describe(first)
        rgb = movie.rgb(first)
    assert (described.width, described.height, described.rate, described.frame_count) == (1296, 720, 12, 62)
    # The duck is yellow, so a swapped channel or a wrong matrix shows here.
    red, green, blue = rgb[430:460, 520:560].reshape(-1, 3).mean(axis=0) / 65535
    assert red > 0.6 > green > 0.4 > 0.3 > blue


# --- movies that cannot be ingested


def test_never_overwrites(tmp_path: Path) -> None:
    movie = _write_movie(tmp_path / "a.mkv", [(100, 128, 128)] * 2)
    (tmp_path / "p.1002.exr").write_bytes(b"precious")
    with pytest.raises(OutputExistsError, match=r"p.1002.exr exists"):
        ingest_movie(movie, tmp_path / "p.%04d.exr")
    assert not (tmp_path / "p.1001.exr").exists()


def test_needs_a_numbered_pattern(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match="no frame token"):
        ingest_movie(tmp_path / "a.mkv", tmp_path / "p.exr")


def test_a_missing_movie(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match=r"no movie .*a.mkv"):
        ingest_movie(tmp_path / "a.mkv", tmp_path / "p.%04d.exr")


def test_no_movie_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_text("hello")
    with pytest.raises(PlateError, match="not a movie"):
        ingest_movie(tmp_path / "a.mkv", tmp_path / "p.%04d.exr")


def test_sound_only(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(PlateError, match="no video stream"):
        ingest_movie(tmp_path / "a.wav", tmp_path / "p.%04d.exr")


def _noisy_movie(path: Path) -> Path:
    random = np.random.default_rng(0)
    frames = [(random.integers(16, 235, (48, 64)), 128, 128) for _ in range(20)]
    index_first = {"movflags": "faststart"}
    return _write_movie(path, frames, "yuv420p", codec="mpeg4", container_options=index_first)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.97])
def test_a_movie_cut_short(tmp_path: Path, share: float) -> None:
    movie = _noisy_movie(tmp_path / "a.mp4")
    content = movie.read_bytes()
    movie.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(PlateError, match=r"a.mp4 is (cut short|damaged at frame \d+).*; copy"):
        ingest_movie(movie, tmp_path / "p.%04d.exr")
    assert list(tmp_path.glob(".*")) == []


def test_a_damaged_movie(tmp_path: Path) -> None:
    movie = _noisy_movie(tmp_path / "a.mp4")
    content = bytearray(movie.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(byte ^ 0x5A for byte in content[middle : middle + 300])
    movie.write_bytes(content)
    with pytest.raises(PlateError, match=r"a.mp4 is damaged at frame \d+; copy or encode it again"):
        ingest_movie(movie, tmp_path / "p.%04d.exr")


def test_an_interlaced_movie(tmp_path: Path) -> None:
    movie = _write_movie(
        tmp_path / "a.mpg",
        [(100, 128, 128)] * 3,
        "yuv420p",
        codec="mpeg2video",
        options={"flags": "+ildct+ilme"},
    )
    with pytest.raises(PlateError, match="interlaced"):
        ingest_movie(movie, tmp_path / "p.%04d.exr")


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(SettingError, match=r"PyAV.*void-nuke\[movies\]"):
        ingest_movie(tmp_path / "a.mkv", tmp_path / "p.%04d.exr")


def test_a_range_of_a_movie_keeps_the_numbers(tmp_path: Path) -> None:
    movie = _write_movie(tmp_path / "a.mkv", [(50 + index, 128, 128) for index in range(6)])
    wanted = Ingest(
        source=str(movie), target=FramePattern.parse(tmp_path / "p.%04d.exr"), frames=(1003, 1004), scale=0.5
    )
    assert ingest_files(wanted).numbers == (1003, 1004)
    frames = [read_frame(tmp_path / f"p.{number}.exr", number) for number in (1003, 1004)]
    assert frames[0].display_size == (32, 24)
    assert frames[0].native("G")[12, 16] < frames[1].native("G")[12, 16]
    with pytest.raises(PlateError, match="no frame in that range, 1-2: its first one counts as 1001"):
        ingest_files(
            Ingest(source=str(movie), target=FramePattern.parse(tmp_path / "q.%04d.exr"), frames=(1, 2))
        )


@pytest.mark.parametrize(
    ("pixel_format", "planes", "level"),
    [
        ("gray", (200,), 200 / 255),
        ("yuv444p", (16 + 219, 128, 128), 1.0),
        ("yuv420p10le", (64 + 438, 512, 512), 0.5),
        ("yuva444p", (50, 128, 128, 100), 100 / 255),
        ("yuva444p", (16 + 219, 128, 128, 255), 1.0),
    ],
)
def test_a_matte_movie_is_its_alpha_or_its_brightness(
    tmp_path: Path, pixel_format: str, planes: Planes, level: float
) -> None:
    movie = _write_movie(tmp_path / "m.mkv", [planes, planes], pixel_format)
    wanted = Ingest(source=str(movie), target=FramePattern.parse(tmp_path / "m.%04d.exr"), purpose="matte")
    done = ingest_files(wanted)
    frame = read_frame(tmp_path / "m.1002.exr", 1002)
    assert frame.channel_names == ("A",)
    assert float(frame.native("A")[5, 5]) == pytest.approx(level, abs=1e-3)
    by_alpha = len(planes) == 4 and planes[3] != 255
    assert done.remarks == (f"the movie's {'alpha' if by_alpha else 'brightness'} is the matte",)
