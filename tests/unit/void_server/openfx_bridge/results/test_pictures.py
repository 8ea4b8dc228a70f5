from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest

from void_engine.geometry import Box
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.results.pictures import Pictures
from void_server.openfx_bridge.results.record import Record

SIZE = (5, 4)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """A result of three frames, the second with a data window of its own and layers of a second edition."""
    folder = tmp_path / "out/removal_v001"
    folder.mkdir(parents=True)
    for number in (1, 2, 3):
        pixels = np.zeros((4, 5, 5), np.float16)
        pixels[..., 0] = number
        pixels[0, 0, 1] = -0.5  # the top left
        pixels[1, 2, 3:] = (0.25, 1)
        names = ("R", "G", "B", "matte.A", "confidence.A")
        told = "matte, confidence"
        window = None
        if number == 2:
            names, told = ("R", "G", "B", "matte_2.A", "matte.A"), "matte_2"
            pixels, window = np.ascontiguousarray(pixels[1:3]), Box(0, 1, 5, 3)
        frame = Frame.from_pixels(number, names, pixels, display_size=SIZE, data_window=window)
        write_frame(frame.with_metadata({"void/layers": told}), folder / f"removal_v001.{number:04d}.exr")
    return Record(
        job="j", folder=str(folder), name="removal", version=1, first=1, last=4, box=(10, 20, 20, 28)
    )


def read(folder: Path, said: dict[str, str]) -> np.ndarray:
    shape = int(said["height"]), int(said["width"]), 4
    dtype = {"half": np.float16, "float": np.float32}[said["depth"]]
    return np.fromfile(folder / said["file"], dtype).reshape(shape)


def test_a_picture_is_bottom_up_with_the_matte_as_its_weight(tmp_path: Path, record: Record) -> None:
    pictures = Pictures(tmp_path, 1 << 20)
    said = pictures.answer(record, "", 1, "result")
    pixels = read(tmp_path, said)

    assert (said["state"], said["width"], said["height"], said["row_bytes"]) == ("ready", "5", "4", "40")
    assert [said[name] for name in ("x1", "y1", "x2", "y2")] == ["10", "20", "20", "28"]
    assert pixels[3, 0, 1] == -0.5
    assert pixels[2, 2].tolist() == [1, 0, 0, 0.25]
    assert (pixels[..., 3] > 0).sum() == 1
    assert read(tmp_path, pictures.answer(record, "", 1, "confidence"))[2, 2].tolist() == [1, 1, 1, 1]


def test_a_smaller_data_window_and_layers_of_a_later_edition(tmp_path: Path, record: Record) -> None:
    pictures = Pictures(tmp_path, 1 << 20)
    pixels = read(tmp_path, pictures.answer(record, "", 2, "result"))

    assert pixels[2, 2].tolist() == [2, 0, 0, 0.25]  # of matte_2, not of the plate's own matte
    assert not pixels[3].any()
    assert not pixels[0].any()
    with pytest.raises(BridgeError, match="no confidence"):
        pictures.answer(record, "", 2, "confidence")


def test_what_is_not_there_is_said(tmp_path: Path, record: Record) -> None:
    pictures = Pictures(tmp_path, 1 << 20)
    assert pictures.answer(record, "", 5, "result")["state"] == "outside"
    assert pictures.answer(record, "", 4, "result") == {
        "state": "missing",
        "text": "Frame 4 is not there yet (3 of 4 are).",
    }
    (Path(record.folder) / "removal_v001.0003.exr").write_bytes(b"v/1\x01 and no more")
    for _ in range(2):  # a picture that failed once is tried again
        with pytest.raises(BridgeError, match="frame 3"):
            pictures.answer(record, "", 3, "result")
    assert list(tmp_path.glob("*.raw")) == []


def test_one_picture_is_made_once_until_its_file_changes(
    tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    plain = Pictures._make
    monkeypatch.setattr(Pictures, "_make", lambda self, *given: (made.append(given), plain(self, *given)))
    pictures = Pictures(tmp_path, 1 << 20)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: pictures.answer(record, "", 1, "result"), range(8)))
    assert len(made) == 1
    assert len({one["file"] for one in said}) == 1
    path = Path(record.folder) / "removal_v001.0001.exr"
    path.unlink()
    write_frame(Frame.from_pixels(1, ("R", "G", "B"), np.full((4, 5, 3), 7, np.float16)), path)
    again = pictures.answer(record, "", 1, "result")
    assert again["file"] != said[0]["file"]
    assert read(tmp_path, again)[0, 0].tolist() == [7, 7, 7, 0]


def test_pictures_in_use_stay_and_others_go_beyond_the_room(tmp_path: Path, record: Record) -> None:
    pictures = Pictures(tmp_path, 2 * 5 * 4 * 8)
    said = [pictures.answer(record, "", frame, "result") for frame in (1, 2, 3)]
    assert all((tmp_path / one["file"]).exists() for one in said)  # nobody has released any
    pictures.release(said[1]["file"])
    pictures.release(said[0]["file"])
    pictures.release("no such file")
    pictures.answer(record, "", 1, "result")  # in use again, and asked for last
    pictures.answer(record, "", 3, "matte")
    assert [(tmp_path / one["file"]).exists() for one in said] == [True, False, True]


def test_a_full_disk_is_said(tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: memoryview) -> int:
        with path.open("wb") as file:
            file.write(data[:4])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BridgeError, match="No space left"):
        Pictures(tmp_path, 1 << 20).answer(record, "", 1, "result")
    assert list(tmp_path.glob("*.raw")) == []


TALL = (4, 120)


@pytest.fixture
def tall(tmp_path: Path) -> Record:
    """Frames that say where they were changed: in lines 40 to 47, nowhere, and without saying so."""
    folder = tmp_path / "tall/removal_v001"
    folder.mkdir(parents=True)
    for number, said in ((1, "1 40 3 48"), (2, "0 0 0 0"), (3, "rubbish"), (4, "0 900 4 999")):
        pixels = np.zeros((TALL[1], TALL[0], 4), np.float16)
        pixels[..., :3] = np.arange(TALL[1])[:, None, None]
        pixels[40:48, 1:3, 3] = 1
        frame = Frame.from_pixels(number, ("R", "G", "B", "matte.A"), pixels)
        told = {"void/layers": "matte", "void/replaced": said}
        write_frame(frame.with_metadata(told), folder / f"removal_v001.{number:04d}.exr")
    return Record(
        job="j", folder=str(folder), name="removal", version=1, first=1, last=4, box=(10, -20, 14, 100)
    )


def test_of_a_result_only_the_lines_come_that_were_changed(tmp_path: Path, tall: Record) -> None:
    pictures = Pictures(tmp_path, 1 << 20)
    said = pictures.answer(tall, "", 1, "result")
    # Lines 16 to 63 from the top: those that were changed, 16 more at least, and whole blocks of 16.
    assert [said[name] for name in ("x1", "y1", "x2", "y2", "height")] == ["10", "36", "14", "84", "48"]
    pixels = read(tmp_path, said)
    assert pixels[:, 0, 0].tolist() == list(range(63, 15, -1))
    whole = read(tmp_path, pictures.answer(tall, "", 1, "result", whole=True))
    assert whole.shape == (120, 4, 4)
    assert np.array_equal(whole[56:104], pixels)
    assert not whole[:56, :, 3].any()
    assert not whole[104:, :, 3].any()
    for frame, height in ((2, "1"), (3, "120"), (4, "1")):
        assert pictures.answer(tall, "", frame, "result")["height"] == height
    assert pictures.answer(tall, "", 1, "matte")["height"] == "120"
    enlarged = msgspec.structs.replace(tall, box=(0, 0, 8, 240))  # made at half the size
    assert pictures.answer(enlarged, "", 1, "result")["height"] == "120"


def test_what_is_converted_or_no_half_comes_as_floats(tmp_path: Path, tall: Record) -> None:
    pictures = Pictures(tmp_path, 1 << 20)
    converted = msgspec.structs.replace(tall, space="srgb")
    assert pictures.answer(converted, "", 1, "result")["depth"] == "float"
    pixels = np.full((120, 4, 3), 1 / 3, np.float32)
    path = Path(tall.folder) / "removal_v001.0003.exr"
    path.unlink()
    write_frame(Frame.from_pixels(3, ("R", "G", "B"), pixels), path)
    said = pictures.answer(tall, "", 3, "result")
    assert said["depth"] == "float"
    assert read(tmp_path, said)[5, 1].tolist() == [np.float32(1 / 3)] * 3 + [0]
