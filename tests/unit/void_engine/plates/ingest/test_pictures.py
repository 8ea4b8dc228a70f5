from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.picture_files import grey, write_picture
from void_engine.colour.primaries import REC709_CHROMATICITIES
from void_engine.errors import MatteError, MissingFrameError, OutputExistsError, PlateError, SettingError
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.ingest.derived import derive
from void_engine.plates.ingest.ingest import ingest
from void_engine.plates.ingest.pictures import is_light
from void_engine.plates.ingest.request import Ingest, Ingested
from void_engine.plates.picture.file import read_picture_header
from void_engine.plates.sequence.pattern import FramePattern


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., tuple[Frame, Ingested]]:
    """Give a function that ingests one picture and returns the frame that it becomes, and what was said."""

    def run(source: Path, **settings: Any) -> tuple[Frame, Ingested]:
        target = FramePattern.parse(tmp_path / "out" / "p.exr")
        target.path(1).unlink(missing_ok=True)
        done = ingest(Ingest(source=str(source), target=target, **settings))
        return read_frame(target.path(1), 1), done

    return run


def _value(frame: Frame, channel: str = "G") -> float:
    return float(frame.native(channel)[3, 5])


def _srgb(code: float) -> float:
    return float(code / 12.92 if code <= 0.04045 else ((code + 0.055) / 1.055) ** 2.4)


def _cineon(code: float) -> float:
    black = 10 ** ((95 - 685) * 0.002 / 0.6)
    return float((10 ** ((code * 1023 - 685) * 0.002 / 0.6) - black) / (1 - black))


@pytest.mark.parametrize(
    ("name", "pixels", "attributes", "light"),
    [
        ("a.png", grey(188), {}, _srgb(188 / 255)),
        ("a.png", grey(40000, "uint16"), {}, _srgb(40000 / 65535)),
        ("g.png", grey(188, channels=1), {}, _srgb(188 / 255)),
        ("a.png", grey(188), {"oiio__ColorSpace": "lin_rec709_scene"}, 188 / 255),
        ("a.png", grey(188), {"oiio__ColorSpace": "g22_rec709_scene"}, (188 / 255) ** 2.2),
        ("a.jpg", grey(188), {"Compression": "jpeg:100"}, _srgb(188 / 255)),
        ("a.tif", grey(188), {}, _srgb(188 / 255)),
        ("a.tif", grey(40000, "uint16"), {}, _srgb(40000 / 65535)),
        ("a.tif", grey(5.25, "float32"), {}, 5.25),
        ("a.tga", grey(188), {}, _srgb(188 / 255)),
        ("a.sgi", grey(188), {}, _srgb(188 / 255)),
        ("a.webp", grey(188), {"Compression": "lossless:100"}, _srgb(188 / 255)),
        ("a.hdr", grey(5.25, "float32"), {}, 5.25),
        ("a.dpx", grey(40000, "uint16"), {"dpx__Transfer": "Logarithmic"}, _cineon(40000 / 65535)),
        ("b.dpx", grey(60000, "uint16"), {"dpx__Transfer": "Printing density"}, _cineon(60000 / 65535)),
        ("a.dpx", grey(40000, "uint16"), {"dpx__Transfer": "Linear"}, 40000 / 65535),
        ("a.dpx", grey(40000, "uint16"), {"dpx__Transfer": "ITU-R 709-4"}, (40000 / 65535) ** 2.4),
    ],
)  # fmt: skip
def test_code_values_become_light_by_what_is_declared(
    tmp_path: Path, made: Callable[..., Any], name: str, pixels: Any, attributes: Any, light: float
) -> None:
    bits = {"oiio__BitsPerSample": 10} if name.endswith("dpx") else {}
    frame, done = made(write_picture(tmp_path / name, pixels, **attributes, **bits))
    assert _value(frame) == pytest.approx(light, rel=5e-3)
    assert any("is read by the curve" in remark for remark in done.remarks)
    # Film's primaries are nobody's standard, and a float TIFF says nothing about its own.
    known = ("cineon" not in done.remarks[0] and name != "a.tif") or frame.header.channels[
        0
    ].dtype != np.float32
    if "cineon" in done.remarks[0]:
        assert "chromaticities" not in frame.metadata
    elif known:
        assert frame.metadata["chromaticities"] == pytest.approx(REC709_CHROMATICITIES)


@pytest.mark.parametrize("said", ["User defined", "Undefined"])
def test_a_dpx_that_names_no_curve_is_refused_until_it_is_named(
    tmp_path: Path, made: Callable[..., Any], said: str
) -> None:
    file = write_picture(
        tmp_path / "a.dpx", grey(20000, "uint16"), dpx__Transfer=said, oiio__BitsPerSample=10
    )
    with pytest.raises(SettingError, match=rf"a\.dpx.*{said}.*--colour-space"):
        made(file)
    code = 20000 / 65535
    # ACEScct by its own formula (S-2016-001), which OpenColorIO has to give too; grey has no primaries.
    frame, _ = made(file, colour="ACEScct")
    assert _value(frame) == pytest.approx(2 ** (code * 17.52 - 9.72), rel=5e-3)
    assert frame.metadata["void/source_colour_space"] == "ACEScct"
    assert "chromaticities" not in frame.metadata
    assert _value(made(file, colour="cineon")[0]) == pytest.approx(_cineon(code), rel=5e-3)


@pytest.mark.parametrize(
    ("name", "transfer", "light"),
    [
        ("a.tif", "", True),
        ("a.dpx", "Linear", True),
        ("a.dpx", "Logarithmic", False),
        ("a.dpx", "User defined", False),
    ],
)
def test_only_what_says_so_is_light_already(tmp_path: Path, name: str, transfer: str, light: bool) -> None:
    attributes = {"dpx__Transfer": transfer} if transfer else {}
    path = write_picture(tmp_path / name, grey(0.5, "float32"), **attributes)
    header = read_picture_header(path, 1)
    assert header.is_float
    assert is_light(header) is light
    whole = read_picture_header(write_picture(tmp_path / f"whole-{name}", grey(100), **attributes), 1)
    assert not is_light(whole)


def test_a_gamma_without_a_name_here_is_refused(tmp_path: Path, made: Callable[..., Any]) -> None:
    file = write_picture(tmp_path / "a.png", grey(100), oiio__ColorSpace="g18_rec709_scene")
    with pytest.raises(SettingError, match=r"g18_rec709_scene.*--colour-space"):
        made(file)
    assert _value(made(file, colour="gamma22")[0]) == pytest.approx((100 / 255) ** 2.2, rel=5e-3)


def test_a_colour_profile_is_not_applied_and_that_is_told(tmp_path: Path, made: Callable[..., Any]) -> None:
    profile = {"ICCProfile": np.arange(16, dtype=np.uint8)}
    file = write_picture(tmp_path / "a.tif", grey(100), **profile)
    frame, done = made(file)
    assert _value(frame) == pytest.approx(_srgb(100 / 255), rel=5e-3)
    assert any("colour profile 'without a name' of the files is not applied" in text for text in done.remarks)
    assert not any("not applied" in text for text in made(file, colour="srgb")[1].remarks)


def test_floating_point_pictures_keep_their_bits(tmp_path: Path, made: Callable[..., Any]) -> None:
    pixels = np.random.default_rng(0).normal(0, 100, (8, 12, 3)).astype(np.float32)
    frame, _ = made(write_picture(tmp_path / "a.tif", pixels))
    stored = np.stack([frame.native(name) for name in "RGB"], axis=2)
    assert stored.dtype == np.float32
    assert np.array_equal(stored.view(np.uint32), pixels.view(np.uint32))


def test_whole_numbers_of_32_bits_are_no_light(tmp_path: Path, made: Callable[..., Any]) -> None:
    # OpenImageIO reads such a TIFF but writes none: a header, one directory, and one strip of 12 x 8 pixels.
    entries = [(256, 12), (257, 8), (258, 32), (259, 1), (262, 1), (273, 256), (277, 1), (278, 8), (279, 384)]
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries
    )
    head = b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", 0)
    (tmp_path / "a.tif").write_bytes(head.ljust(256, b"\0") + struct.pack("<I", 2**31) * 96)
    frame, _ = made(tmp_path / "a.tif")
    assert _value(frame) == pytest.approx(_srgb(0.5), rel=1e-3)


def test_alpha_is_multiplied_in_where_the_file_has_not(tmp_path: Path, made: Callable[..., Any]) -> None:
    pixels = grey(188, channels=4)
    pixels[..., 3] = 51
    straight, _ = made(write_picture(tmp_path / "a.png", pixels, oiio__UnassociatedAlpha=1))
    assert straight.channel_names == ("R", "G", "B", "A")
    assert _value(straight, "A") == pytest.approx(0.2, rel=1e-3)
    assert _value(straight) == pytest.approx(0.2 * _srgb(188 / 255), rel=5e-3)
    floats = pixels.astype(np.float32) / 255
    multiplied, _ = made(write_picture(tmp_path / "a.tif", floats))
    assert _value(multiplied) == pytest.approx(188 / 255)


def test_a_turned_picture_is_upright(tmp_path: Path, made: Callable[..., Any]) -> None:
    pixels = np.zeros((8, 12, 3), np.uint8)
    pixels[0, 0] = 255  # the top left corner of what is stored is the top right one of what is meant
    frame, _ = made(write_picture(tmp_path / "a.tif", pixels, Orientation=6))
    assert frame.display_size == (8, 12)
    assert np.argwhere(frame.native("R") == 1).tolist() == [[0, 7]]


def test_rate_and_timecode_are_kept(tmp_path: Path, made: Callable[..., Any]) -> None:
    frame, _ = made(
        write_picture(
            tmp_path / "a.dpx", grey(40000, "uint16"), dpx__Transfer="Linear", dpx__FrameRate=23.976,
            dpx__TimeCode="01:00:00:07", oiio__BitsPerSample=10,
        )
    )  # fmt: skip
    assert frame.metadata["FramesPerSecond"] == Fraction(24000, 1001) or tuple(
        frame.metadata["FramesPerSecond"]  # type: ignore[arg-type]
    ) == (24000, 1001)
    assert "smpte:TimeCode" in frame.metadata


# --- EXR


def _exr(path: Path, number: int) -> Frame:
    pixels = np.random.default_rng(number).normal(0, 300, (8, 12, 4)).astype(np.float16)
    pixels[0, 0, 0] = np.nan
    frame = Frame.from_pixels(number, ("R", "G", "B", "depth.Z"), pixels).with_metadata({"camera": "A1"})
    write_frame(frame, path)
    return frame


def test_high_dynamic_range_goes_through_with_every_bit(tmp_path: Path) -> None:
    frames = [_exr(tmp_path / f"a.{number}.exr", number) for number in (7, 8, 9)]
    wanted = Ingest(
        source=str(tmp_path / "a.%d.exr"),
        target=FramePattern.parse(tmp_path / "b.%04d.exr"),
        first=1001,
        frames=(8, 9),
    )
    assert ingest(wanted).numbers == (1001, 1002)
    for number, before in ((1001, frames[1]), (1002, frames[2])):
        after = read_frame(tmp_path / f"b.{number}.exr", number)
        assert after.metadata["camera"] == "A1"
        for name in before.channel_names:
            assert np.array_equal(after.native(name).view(np.uint16), before.native(name).view(np.uint16))


def test_exr_of_another_space_is_converted(tmp_path: Path, made: Callable[..., Any]) -> None:
    frame = Frame.from_pixels(1, ("R", "G", "B", "Z"), np.full((8, 12, 4), 40.0, np.float32))
    write_frame(frame.with_metadata({"chromaticities": REC709_CHROMATICITIES}), tmp_path / "a.exr")
    converted, _ = made(tmp_path / "a.exr", colour="ACES2065-1")
    # A grey stays a grey between spaces of one white.
    assert [_value(converted, name) for name in "RGBZ"] == pytest.approx([40, 40, 40, 40], rel=1e-3)
    assert "chromaticities" not in converted.metadata
    red = np.zeros((8, 12, 3), np.float32)
    red[..., 0] = 40
    write_frame(Frame.from_pixels(1, "RGB", red), tmp_path / "red.exr")
    assert _value(made(tmp_path / "red.exr", colour="ACES2065-1")[0], "R") == pytest.approx(58.1, rel=1e-2)


def test_a_smaller_result(tmp_path: Path, made: Callable[..., Any]) -> None:
    pixels = np.zeros((8, 12, 3), np.float32)
    pixels[:4, :6] = 8.0
    frame, _ = made(write_picture(tmp_path / "a.tif", pixels), scale=0.25)
    assert frame.display_size == (3, 2)
    assert frame.native("R").astype(float).tolist() == [[8.0, 4.0, 0.0], [0.0, 0.0, 0.0]]
    with pytest.raises(SettingError, match=r"0\.3"):
        made(tmp_path / "a.tif", scale=0.3)


# --- mattes


def _levels() -> Any:
    return np.arange(96, dtype=np.uint8).reshape(8, 12, 1) * np.uint8(2)


@pytest.mark.parametrize(
    ("name", "channels", "names", "opaque", "says"),
    [
        ("m.png", 1, None, False, ""),
        ("m.png", 3, None, False, "brightness"),
        ("m.png", 4, None, True, "alpha is 1 everywhere"),
        ("m.tif", 1, None, False, ""),
    ],
)
def test_eight_bit_levels_come_back_exactly(
    tmp_path: Path, made: Callable[..., Any], name: str, channels: int, names: Any, opaque: bool, says: str
) -> None:
    pixels = np.repeat(_levels(), channels, axis=2)
    if opaque:
        pixels[..., 3] = 255
    frame, done = made(write_picture(tmp_path / name, pixels, names), purpose="matte")
    assert frame.channel_names == ("A",)
    assert np.array_equal(np.rint(frame.native("A").astype(float) * 255), _levels()[..., 0])
    assert says in " ".join(done.remarks)


def test_alpha_is_the_matte_where_it_says_anything_and_a_named_channel_always(
    tmp_path: Path, made: Callable[..., Any]
) -> None:
    pixels = grey(200, channels=4)
    pixels[..., 3] = _levels()[..., 0]
    file = write_picture(tmp_path / "m.png", pixels, oiio__UnassociatedAlpha=1)
    frame, done = made(file, purpose="matte")
    assert np.array_equal(np.rint(frame.native("A").astype(float) * 255), _levels()[..., 0])
    assert "alpha is the matte" in done.remarks[0]
    assert _value(made(file, purpose="matte", channel="R")[0], "A") == pytest.approx(200 / 255, rel=1e-3)
    with pytest.raises(PlateError, match=r"no channel 'Q'; it has R, G, B, A"):
        made(file, purpose="matte", channel="Q")


def test_sixteen_bit_levels_come_back_exactly(tmp_path: Path, made: Callable[..., Any]) -> None:
    pixels = (np.arange(96, dtype=np.uint16) * 683 + 1).reshape(8, 12, 1)
    frame, _ = made(write_picture(tmp_path / "m.png", pixels), purpose="matte")
    assert np.array_equal(np.rint(frame.native("A").astype(float) * 65535), pixels[..., 0])


def test_a_matte_of_another_size_is_scaled_and_one_of_another_shape_is_not(
    tmp_path: Path, made: Callable[..., Any]
) -> None:
    pixels = np.zeros((8, 12, 1), np.uint8)
    pixels[:, 6:] = 255
    file = write_picture(tmp_path / "m.png", pixels)
    frame, _ = made(file, purpose="matte", size=(24, 16))
    matte = frame.native("A").astype(float)
    assert frame.display_size == (24, 16)
    assert (matte[:, :11] == 0).all()
    assert (matte[:, 13:] == 1).all()
    assert made(file, purpose="matte", size=(6, 4))[0].native("A")[0].tolist() == [0, 0, 0, 1, 1, 1]
    # A picture does not say that its pixels are wide.
    assert made(file, purpose="matte", size=(24, 16), pixel_aspect=2.0)[0].pixel_aspect == 2.0
    with pytest.raises(MatteError, match="12x8 has another shape than 24x24"):
        made(file, purpose="matte", size=(24, 24))


def test_a_quadmask_of_pictures(tmp_path: Path, made: Callable[..., Any]) -> None:
    pixels = np.full((8, 12, 1), 255, np.uint8)
    pixels[0, 0], pixels[0, 1], pixels[0, 2] = 0, 63, 127
    frame, _ = made(write_picture(tmp_path / "q.png", pixels), purpose="quadmask")
    assert frame.native("remove")[0, :4].tolist() == [1, 1, 0, 0]
    assert frame.native("affected")[0, :4].tolist() == [0, 1, 1, 0]


# --- what is refused


def _sequence(tmp_path: Path, *numbers: int) -> str:
    for number in numbers:
        write_picture(tmp_path / f"a.{number}.png", grey(number))
    return str(tmp_path / "a.%d.png")


def test_gaps_and_odd_files_are_refused(tmp_path: Path) -> None:
    source = _sequence(tmp_path, 1, 2, 4)
    target = FramePattern.parse(tmp_path / "out" / "p.%04d.exr")
    with pytest.raises(MissingFrameError, match="missing frames 3"):
        ingest(Ingest(source=source, target=target))
    assert ingest(Ingest(source=source, target=target, frames=(1, 2))).numbers == (1, 2)
    write_picture(tmp_path / "a.3.png", grey(3, size=(4, 4)))
    with pytest.raises(PlateError, match=r"frame 3 .*size of 4x4, but frame 2 has 12x8"):
        ingest(
            Ingest(source=source, target=FramePattern.parse(tmp_path / "o2" / "p.%04d.exr"), frames=(2, 3))
        )


def test_results_are_exr_and_never_written_over(tmp_path: Path) -> None:
    source = _sequence(tmp_path, 1, 2)
    with pytest.raises(PlateError, match=r"does not end in \.exr"):
        ingest(Ingest(source=source, target=FramePattern.parse(tmp_path / "p.%04d.png")))
    with pytest.raises(PlateError, match="no frame token"):
        ingest(Ingest(source=source, target=FramePattern.parse(tmp_path / "p.exr")))
    target = FramePattern.parse(tmp_path / "p.%04d.exr")
    target.path(2).write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match=r"p\.0002\.exr"):
        ingest(Ingest(source=source, target=target))
    assert target.path(2).read_bytes() == b"mine"
    assert not target.path(1).exists()


@pytest.mark.parametrize("content", [b"", b"this is no picture", None])
def test_a_damaged_picture_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = write_picture(
        tmp_path / "a.1.png", np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    )
    file.write_bytes(file.read_bytes()[:3000] if content is None else content)
    with pytest.raises(PlateError, match=r"frame 1 .*a\.1\.png"):
        ingest(Ingest(source=str(tmp_path / "a.%d.png"), target=FramePattern.parse(tmp_path / "p.%d.exr")))


def test_what_was_made_before_is_found_again_until_the_pictures_change(tmp_path: Path) -> None:
    source = _sequence(tmp_path, 1, 2)
    wanted = Ingest(source=source, target=FramePattern.parse("x.exr"), purpose="matte")
    told: list[str] = []
    first = derive(wanted, tmp_path / "made", told.append)
    first.path(1).unlink()  # as after an attempt that was broken off
    assert derive(wanted, tmp_path / "made", told.append) == first
    assert derive(wanted, tmp_path / "made", told.append) == first
    assert [text.endswith(" before") for text in told][-1]
    assert sum(text.endswith(" before") for text in told) == 1
    write_picture(tmp_path / "a.2.png", grey(99))
    other = derive(wanted, tmp_path / "made", told.append)
    assert other != first
    assert _value(read_frame(other.path(2), 2), "A") == pytest.approx(99 / 255, rel=1e-3)
