from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.void_engine.plates.conftest import value_of, wait_until
from void_engine.errors import MissingFrameError, PlateError, SettingError
from void_engine.geometry import Box
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence import sequence
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.plates.storage.waiting import Patience

WritePlate = Callable[..., list[Path]]
FRAME_BYTES = 8 * 4 * 3 * 2


class Reads:
    """Counts reads, and holds them back while ``gate`` is closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.numbers: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()
        monkeypatch.setattr(sequence, "read_frame", self._read)

    def _read(self, path: Path, number: int) -> Frame:
        with self._lock:
            self.numbers.append(number)
        assert self.gate.wait(10)
        return read_frame(path, number)

    def settle(self, count: int) -> list[int]:
        """Wait until ``count`` reads began, and a little longer so that more would show; return them all."""
        wait_until(lambda: len(self.numbers) >= count)
        time.sleep(0.05)
        return sorted(self.numbers)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


# --- reading


def test_gives_any_frame(tmp_path: Path, write_plate: WritePlate) -> None:
    write_plate(1001, 1005)
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1005) as plate:
        for number in (1003, 1001, 1005, 1003):
            assert (plate.frame(number).number, value_of(plate.frame(number))) == (number, number)
        with pytest.raises(KeyError, match="1006 is outside 1001-1005"):
            plate.frame(1006)


def test_a_range_must_run_forwards() -> None:
    with pytest.raises(PlateError, match="1001 comes before the first frame 1002"):
        PlateSequence("plate.%04d.exr", 1002, 1001)


def test_a_still_is_held_and_read_once(tmp_path: Path, reads: Reads) -> None:
    write_frame(Frame.from_pixels(0, "RGB", np.full((4, 8, 3), 5, np.float16)), tmp_path / "still.exr")
    with PlateSequence(tmp_path / "still.exr", 1001, 1010) as still:
        assert still.check().display_size == (8, 4)
        assert [still.frame(number).number for number in (1001, 1005, 1010)] == [1001, 1005, 1010]
        assert value_of(still.frame(1007)) == 5
    assert len(reads.numbers) == 1


def test_gives_proxies(tmp_path: Path, write_plate: WritePlate) -> None:
    write_plate(1001, 1002)
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1002, scale=0.5) as plate:
        assert plate.frame(1001).display_size == (4, 2)
        shot = plate.check()
        assert (shot.display_size, shot.data_window) == ((8, 4), Box(0, 0, 4, 2))
    with pytest.raises(SettingError, match="proxy scale"):
        PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1002, scale=0.4)


def test_reads_ahead_in_the_direction_of_travel(
    tmp_path: Path, write_plate: WritePlate, reads: Reads
) -> None:
    write_plate(1001, 1020)
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1020, read_ahead=2) as plate:
        plate.frame(1001)
        assert reads.settle(3) == [1001, 1002, 1003]
        plate.frame(1002)
        assert reads.settle(4) == [1001, 1002, 1003, 1004]
        plate.frame(1015)
        assert reads.settle(5) == [1001, 1002, 1003, 1004, 1015]
        plate.frame(1014)
        assert reads.settle(8) == [1001, 1002, 1003, 1004, 1012, 1013, 1014, 1015]


def test_the_end_of_the_range_ends_reading_ahead(
    tmp_path: Path, write_plate: WritePlate, reads: Reads
) -> None:
    write_plate(1001, 1005)
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1002, read_ahead=3) as plate:
        plate.frame(1001)
        plate.frame(1002)
        assert reads.settle(2) == [1001, 1002]


def test_memory_is_bounded(tmp_path: Path, write_plate: WritePlate, reads: Reads) -> None:
    write_plate(1001, 1010)
    pattern = tmp_path / "plate.%04d.exr"
    with PlateSequence(pattern, 1001, 1010, cache_bytes=3 * FRAME_BYTES, read_ahead=0) as plate:
        for number in (1001, 1003, 1005, 1003, 1007):
            plate.frame(number)
        assert plate._held_bytes == 3 * FRAME_BYTES
        reads.numbers.clear()
        for number in (1003, 1005, 1007):
            plate.frame(number)
        assert reads.numbers == []
        plate.frame(1001)
        assert reads.numbers == [1001]
    with PlateSequence(pattern, 1001, 1010, cache_bytes=1, read_ahead=4) as plate:
        for number in range(1001, 1011):
            plate.frame(number)
        assert plate._held_bytes == FRAME_BYTES
        assert sorted(reads.settle(11)) == [1001, *range(1001, 1011)]


def test_several_threads_read_one_frame_once(tmp_path: Path, write_plate: WritePlate, reads: Reads) -> None:
    write_plate(1001, 1001)
    reads.gate.clear()
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1001) as plate, ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(plate.frame, 1001) for _ in range(6)]
        assert reads.settle(1) == [1001]
        reads.gate.set()
        frames = [one.result(10) for one in asked]
    assert reads.numbers == [1001]
    assert all(frame is frames[0] for frame in frames)


def test_many_threads_at_random(tmp_path: Path, write_plate: WritePlate) -> None:
    write_plate(1001, 1012)
    plate = PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1012, cache_bytes=4 * FRAME_BYTES)
    order = np.random.default_rng(0).integers(1001, 1013, 300).tolist()
    with plate, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda number: value_of(plate.frame(number)), order)) == order


def test_a_frame_that_was_read_ahead_in_vain_fails_only_when_asked_for(
    tmp_path: Path, write_plate: WritePlate, reads: Reads
) -> None:
    paths = write_plate(1001, 1003)
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[:-60])
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1003) as plate:
        plate.frame(1001)
        reads.settle(3)
        with pytest.raises(PlateError, match="frame 1002"):
            plate.frame(1002)
        paths[1].write_bytes(content)
        assert value_of(plate.frame(1002)) == 1002


def test_closing_wakes_who_waits_for_a_read_that_will_not_begin(
    tmp_path: Path, write_plate: WritePlate, reads: Reads
) -> None:
    write_plate(1001, 1003)
    reads.gate.clear()
    plate = PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1003, threads=1)
    plate.prefetch([1001, 1002, 1003])
    reads.settle(1)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(plate.frame, 1002)
        wait_until(lambda: list(plate._frames)[-1] == 1002)
        closing = pool.submit(plate.close)
        wait_until(lambda: plate._pool._shutdown)
        reads.gate.set()
        with pytest.raises(PlateError, match="while the plate was closed"):
            waiting.result(10)
        closing.result(10)


def test_a_closed_plate_reads_nothing_ahead(tmp_path: Path, write_plate: WritePlate, reads: Reads) -> None:
    write_plate(1001, 1003)
    plate = PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1003)
    plate.close()
    plate.prefetch([1001, 1002])
    assert reads.settle(0) == []
    assert value_of(plate.frame(1001)) == 1001


# --- checking


def test_data_windows_may_differ(tmp_path: Path, write_plate: WritePlate) -> None:
    write_plate(1001, 1002)
    moved = Frame.from_pixels(
        1003, "RGB", np.ones((5, 6, 3), np.float16), data_window=Box(-2, 1, 4, 6), display_size=(8, 4)
    )
    write_frame(moved, tmp_path / "plate.1003.exr")
    shot = PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1003).check()
    assert (shot.display_size, shot.data_window) == ((8, 4), Box(-2, 0, 8, 6))
    assert (shot.pixel_aspect, shot.first.channel_names, shot.first.notes) == (1.0, ("R", "G", "B"), ())


def test_lists_all_missing_frames(tmp_path: Path, write_plate: WritePlate) -> None:
    write_plate(1001, 1015, skip=(1003, 1010, 1011, 1012))
    with pytest.raises(MissingFrameError, match=r"missing frames 1003, 1010-1012 of 1001-1015"):
        PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1015).check()


def _replace(path: Path, **changes: Any) -> None:
    pixels = changes.pop("pixels", np.ones((4, 8, 3), np.float16))
    names = changes.pop("names", ("R", "G", "B"))
    write_frame(Frame.from_pixels(0, names, pixels, **changes), path, overwrite=True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"display_size": (9, 4)}, r"frame 1004 .* has a display window of 9x4, but frame 1001 has 8x4"),
        ({"pixel_aspect": 2.0}, r"frame 1004 .* has a pixel aspect of 2.0, but frame 1001 has 1.0"),
        (
            {"names": ("R", "G", "Z")},
            r"frame 1004 .* has the channels R \(half\), G \(half\), Z \(half\), but",
        ),
        ({"pixels": np.ones((4, 8, 3), np.float32)}, r"frame 1004 .* has the channels R \(float\)"),
    ],
)
def test_frames_must_be_of_one_shot(
    tmp_path: Path, write_plate: WritePlate, changes: dict[str, Any], says: str
) -> None:
    paths = write_plate(1001, 1006)
    _replace(paths[3], **changes)
    _replace(paths[5], **changes)
    with pytest.raises(PlateError, match=says):
        PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1006).check()


def test_checking_finds_a_broken_header(tmp_path: Path, write_plate: WritePlate) -> None:
    write_plate(1001, 1003)[1].write_bytes(b"")
    with pytest.raises(PlateError, match=r"frame 1002 .*0 bytes"):
        PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1003).check()


# --- waiting


def test_waits_for_a_late_frame(tmp_path: Path, write_plate: WritePlate) -> None:
    _, path = write_plate(1001, 1002)
    late = tmp_path / "late.exr"
    path.rename(late)
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        if text:
            late.rename(path)

    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1002) as plate:
        plate.patience = Patience(20.0, tell)
        assert plate.frame(1002).number == 1002
    assert told == ["waiting for frame 1002", ""]


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, write_plate: WritePlate, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = write_plate(1001, 1001)
    reads = 0

    def replacing(source: Path, number: int) -> Frame:
        nonlocal reads
        reads += 1
        frame = read_frame(source, number)
        if reads == 1:
            other = tmp_path / "other.exr"
            write_frame(Frame.from_pixels(1001, "RGB", np.full((4, 8, 3), 9, np.float16)), other)
            other.replace(path)
        return frame

    monkeypatch.setattr(sequence, "read_frame", replacing)
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1001) as plate:
        with pytest.raises(PlateError, match="was replaced or changed while it was read"):
            plate.frame(1001)
        reads = 0
        plate.patience = Patience(20.0)
        assert value_of(plate.frame(1001)) == 9
    assert reads == 2


def test_a_file_that_is_replaced_between_two_reads_of_a_run_is_told(
    tmp_path: Path, write_plate: WritePlate
) -> None:
    """It is refused even when late frames are waited for, because this does not pass by itself."""
    first, second, _ = write_plate(1001, 1003)
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1003, cache_bytes=1, read_ahead=0) as plate:
        plate.patience = Patience(20.0)
        before = value_of(plate.frame(1001))
        plate.frame(1002)
        assert value_of(plate.frame(1001)) == before  # The frame is read again from the unchanged file.
        plate.frame(1002)
        os.utime(first, ns=(0, first.stat().st_mtime_ns + 1000))
        with pytest.raises(PlateError, match=r"frame 1001 .* was replaced or changed after this run"):
            plate.frame(1001)
        plate.frame(1002)
        moved = tmp_path / "moved.exr"  # A drive that comes back may number its files anew.
        shutil.copy2(second, moved)
        moved.replace(second)
        plate.frame(1003)  # so that 1002 is no longer held in memory
        plate.frame(1002)
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1001) as plate:
        assert value_of(plate.frame(1001)) == before  # Another run takes the new file as it is.


def test_a_file_that_is_being_written_is_waited_for(tmp_path: Path, write_plate: WritePlate) -> None:
    (path,) = write_plate(1001, 1001)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        if text:
            path.write_bytes(whole)

    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1001) as plate:
        plate.patience = Patience(20.0, tell)
        plate.frame(1001)
    assert told[0].startswith("waiting for frame 1001 to be whole")

    # An old file that is cut short will not get better.
    path.write_bytes(whole[: len(whole) // 2])
    os.utime(path, (1_000_000_000, 1_000_000_000))
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1001) as plate:
        plate.patience = Patience(20.0)
        with pytest.raises(PlateError, match="damaged or cut short"):
            plate.frame(1001)


@pytest.mark.parametrize(("age_s", "is_waited_for"), [(0, True), (19.9, True), (20.1, False), (-5, True)])
def test_a_damaged_file_is_one_in_the_making_for_twenty_seconds(
    tmp_path: Path,
    write_plate: WritePlate,
    monkeypatch: pytest.MonkeyPatch,
    age_s: float,
    is_waited_for: bool,
) -> None:
    """Also where the clock of the file's server is ahead."""
    (path,) = write_plate(1001, 1001)
    path.write_bytes(path.read_bytes()[:200])
    os.utime(path, (1_000_000_000, 1_000_000_000))
    monkeypatch.setattr(sequence.time, "time", lambda: 1_000_000_000 + age_s)
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1001) as plate:
        with pytest.raises(PlateError) as caught:
            plate.frame(1001)
        assert bool(caught.value.obstacle) == is_waited_for
        assert ("to be whole" in caught.value.obstacle) == is_waited_for


def test_a_file_in_anothers_place_is_seen_by_its_number_alone(
    tmp_path: Path, write_plate: WritePlate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy as large and as old as the file was, while that was read."""
    (path,) = write_plate(1001, 1001)

    def replacing(source: Path, number: int) -> Frame:
        frame = read_frame(source, number)
        shutil.copy2(path, tmp_path / "other.exr")
        (tmp_path / "other.exr").replace(path)
        return frame

    monkeypatch.setattr(sequence, "read_frame", replacing)
    with (
        PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1001) as plate,
        pytest.raises(PlateError, match="was replaced or changed while it was read") as caught,
    ):
        plate.frame(1001)
    assert "which is being replaced" in caught.value.obstacle


def test_channels_in_another_order_are_the_same_channels(tmp_path: Path, write_plate: WritePlate) -> None:
    write_plate(1001, 1002)
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1002) as plate:
        header, other = plate.header(1001), plate.header(1002)
    turned = dataclasses.replace(other, channels=tuple(reversed(other.channels)))
    assert turned.channels != header.channels
    sequence._require_same_shot(header, turned)
    fewer = dataclasses.replace(other, channels=other.channels[1:])
    for one, two in ((header, fewer), (fewer, header)):
        with pytest.raises(PlateError, match="has the channels"):
            sequence._require_same_shot(one, two)


@pytest.mark.parametrize("code", [errno.EACCES, errno.ESTALE])
def test_waits_until_a_frame_can_be_opened(
    code: int, tmp_path: Path, write_plate: WritePlate, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plate(1001, 1001)
    failures = [OSError(code, os.strerror(code))] * 2
    real = os.open

    def refusing(path: Any, *arguments: Any, **named: Any) -> Any:
        if str(path).endswith(".exr") and failures:
            raise failures.pop()
        return real(path, *arguments, **named)

    monkeypatch.setattr(os, "open", refusing)
    told: list[str] = []
    with PlateSequence(tmp_path / "plate.%04d.exr", 1001, 1001) as plate:
        plate.patience = Patience(20.0, told.append)
        plate.frame(1001)
    assert "of frame 1001" in told[0] or "to read frame 1001" in told[0]
    assert told[-1] == ""
