from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from void_engine.errors import OutputError
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_server.openfx_bridge.conversation.fields import Fields
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.handover import delivery as module
from void_server.openfx_bridge.handover.begun import Begun
from void_server.openfx_bridge.handover.delivery import Delivery
from void_server.openfx_bridge.handover.handed import Handed
from void_server.openfx_bridge.pixels.folder import PixelFolder
from void_server.openfx_bridge.pixels.raw import RawPicture
from void_server.openfx_bridge.results import folder as folder_module

BOX = {"x1": "0", "y1": "0", "x2": "4", "y2": "3"}


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Begun]:
    """A removal of the frames 7 to 9."""
    fields = {
        "type": "begin",
        "folder": str(tmp_path / "out"),
        "engine": "identity",
        "first": "7",
        "last": "9",
    }
    pixels = PixelFolder(tmp_path / "memory")
    made = Begun.of(Fields(fields | BOX), pixels)
    yield made
    made.delivery.close()
    pixels.remove()


def raw(folder: Path, value: float, components: int = 3) -> RawPicture:
    (folder / "p.raw").write_bytes(np.full((3, 4, components), value, np.float32).tobytes())
    return RawPicture.of(Fields({"file": "p.raw", "components": str(components)} | BOX), folder)


def plate(delivery: Delivery, folder: Path, *frames: int) -> None:
    for frame in frames:
        delivery.take("plate", frame, raw(folder, frame / 8))


def sequence(folder: Path, *numbers: int, size: tuple[int, int] = (4, 3)) -> None:
    for number in numbers:
        pixels = np.full((size[1], size[0], 3), (number - 1000) / 8, np.float16)
        write_frame(Frame.from_pixels(number, ("R", "G", "B"), pixels), folder / f"shot.{number}.exr")


def test_frames_become_files_and_missing_mattes_black_ones(begun: Begun, tmp_path: Path) -> None:
    delivery = begun.delivery
    plate(delivery, tmp_path, 9, 7, 8)
    delivery.take("remove", 8, raw(tmp_path, 0.5, 1))
    delivery.take("affected", 8, raw(tmp_path, 0.0, 1))
    delivery.check_complete()
    delivered = delivery.complete()
    job = begun.make_job(delivered)

    assert set(delivered.mattes) == {"remove"}  # a role that marks nothing is none
    assert (job.shot.first_frame, job.shot.last_frame) == (7, 9)
    assert begun.record.offset == 0
    for frame, level in ((7, 0.0), (8, 0.5), (9, 0.0)):
        assert (read_frame(delivered.plate % frame, frame).native("G") == frame / 8).all()
        assert (read_frame(delivered.mattes["remove"] % frame, frame).native("A") == level).all()
    assert job.output.versioned_pattern == str(tmp_path / "out/removal_v001/removal_v001.%04d.exr")
    assert begun.folder.job_file.exists()


def test_what_is_not_complete_is_no_job(begun: Begun, tmp_path: Path) -> None:
    delivery = begun.delivery
    plate(delivery, tmp_path, 7, 9)
    with pytest.raises(BridgeError, match="plate of frame 8"):
        delivery.check_complete()
    plate(delivery, tmp_path, 8)
    delivery.take("ignore", 7, raw(tmp_path, 1, 1))
    with pytest.raises(BridgeError, match="black on all frames"):
        delivery.check_complete()
    with pytest.raises(BridgeError, match="has come before"):
        plate(delivery, tmp_path, 8)
    with pytest.raises(BridgeError, match="none of 7 to 9"):
        plate(delivery, tmp_path, 10)


def test_a_frame_that_could_not_be_read_may_come_again(begun: Begun, tmp_path: Path) -> None:
    picture = raw(tmp_path, 1)
    picture.path.unlink()
    with pytest.raises(BridgeError, match="cannot be read"):
        begun.delivery.take("plate", 7, picture)
    plate(begun.delivery, tmp_path, 7)


def test_an_abandoned_removal_leaves_nothing(begun: Begun, tmp_path: Path) -> None:
    plate(begun.delivery, tmp_path, 7)
    begun.delivery.abandon()
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(BridgeError, match="complete"):
        plate(begun.delivery, tmp_path, 8)


def test_a_full_disk_is_said_with_the_frame(
    begun: Begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(frame: Frame, path: Path, rate: object) -> None:
        raise OutputError(f"frame {frame.number} cannot be written to {path}: No space left on device")

    monkeypatch.setattr(module, "write_intermediate", full)
    plate(begun.delivery, tmp_path, 7)
    with pytest.raises(BridgeError, match=r"frame 7 .* No space left"):
        begun.delivery.complete()
    with pytest.raises(BridgeError, match=r"frame 7 .* No space left"):
        plate(begun.delivery, tmp_path, 8)


def test_whatever_stops_the_writing_is_said(
    begun: Begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(frame: Frame, path: Path, rate: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "write_intermediate", exhausted)
    plate(begun.delivery, tmp_path, 7)
    looks = iter(range(5))
    with pytest.raises(BridgeError, match="Frame 7 of plate cannot be written: MemoryError"):
        begun.delivery.complete(lambda: next(looks, None) is not None)


def test_a_given_file_is_the_bridges_and_its_answer_waits_for_room(begun: Begun, tmp_path: Path) -> None:
    """Of a given file nothing is copied and nothing is read before it is written."""
    picture = raw(tmp_path, 0.5)
    delivery = Delivery(begun.delivery.order, begun.folder, begun.delivery.handed, 2 * picture.needed_bytes)
    delivery._may_write = lambda: False  # type: ignore[method-assign]
    begun.delivery.take("remove", 7, raw(tmp_path, 1, 1), given=True, marks=False)
    assert begun.delivery.marks == []  # what the plug-in says is believed
    for frame in (7, 8):
        delivery.take("plate", frame, raw(tmp_path, frame / 8), given=True)
        assert not (tmp_path / "p.raw").exists()
    third = threading.Thread(target=delivery.take, args=("plate", 9, raw(tmp_path, 9 / 8)))
    third.start()
    third.join(0.1)
    assert third.is_alive()
    del delivery._may_write
    with delivery._condition:
        delivery._condition.notify_all()
    third.join(30)
    assert not third.is_alive()
    delivery.close()


def test_files_are_written_while_the_host_is_busy_with_something_else(begun: Begun, tmp_path: Path) -> None:
    plate(begun.delivery, tmp_path, 7)
    limit = time.monotonic() + 30
    while not (begun.folder.export / "plate.0007.exr").exists():
        assert time.monotonic() < limit
        time.sleep(0.01)
    assert (read_frame(begun.folder.export / "plate.0007.exr", 7).native("R") == 7 / 8).all()


@pytest.mark.parametrize("are_written", [True, False])
@pytest.mark.parametrize("is_referenced", [True, False])
def test_another_bridge_goes_on_with_what_a_dead_one_was_given(
    begun: Begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, are_written: bool, is_referenced: bool
) -> None:
    if not are_written:
        monkeypatch.setattr(Delivery, "_may_write", lambda self: False)
    sequence(tmp_path, 1007, 1008, 1009)
    plate(begun.delivery, tmp_path, 7, 8)
    for frame in (7, 8, 9):
        if is_referenced:
            assert begun.delivery.refer(frame, tmp_path / f"shot.{frame + 1000}.exr")
    if not is_referenced:
        plate(begun.delivery, tmp_path, 9)
    begun.take("remove", 8, raw(tmp_path, 0.5, 1), given=True, marks=True)
    begun.note()
    begun.folder.keep(begun.record, "writing")
    if are_written:
        begun.delivery.complete()
    with begun.delivery._condition:
        begun.delivery._is_closed = True  # it dies
        begun.delivery._condition.notify_all()
    for thread in begun.delivery._threads:
        thread.join()
    monkeypatch.undo()
    pixels = PixelFolder(tmp_path / "memory")
    assert Begun.resumed(begun.record, begun.folder, pixels) is None  # its process lives
    monkeypatch.setattr(folder_module, "is_gone", lambda pid, born: True)

    resumed = Begun.resumed(begun.record, begun.folder, pixels)
    assert resumed is not None
    assert resumed.record == begun.record
    delivered = resumed.delivery.complete()
    assert set(delivered.mattes) == {"remove"}
    for frame, level in ((7, 0), (8, 0.5), (9, 0)):
        number = frame + resumed.record.offset
        assert (read_frame(delivered.plate % number, number).native("G") == frame / 8).all()
        assert (read_frame(delivered.mattes["remove"] % number, number).native("A") == level).all()
    resumed.delivery.close()
    assert not resumed.delivery.handed.path.exists()


def test_what_is_not_all_there_any_more_is_not_gone_on_with(
    begun: Begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Delivery, "_may_write", lambda self: False)
    plate(begun.delivery, tmp_path, 7, 8, 9)
    begun.take("remove", 8, raw(tmp_path, 0.5, 1))
    begun.note()
    begun.folder.keep(begun.record, "writing")
    begun.delivery.handed.remove()  # as a restart of the machine does
    monkeypatch.setattr(folder_module, "is_gone", lambda pid, born: True)
    assert Begun.resumed(begun.record, begun.folder, PixelFolder(tmp_path / "memory")) is None


def test_names_tell_all_of_a_picture(tmp_path: Path) -> None:
    handed = Handed.make(tmp_path, "job-1", tmp_path / "out")
    (tmp_path / "p.raw").write_bytes(b"\0" * 400)
    picture = RawPicture(tmp_path / "p.raw", 16, 24, (-3, -7, 1, 2), 3, "half")
    one = handed.adopt("plate", -12, picture, given=True)
    (handed.path / "plate.1.rubbish").touch()
    assert handed.frames() == [one]
    assert handed.result == tmp_path / "out"
    assert one.bytes == 16 + 8 * 24 + 24
    one.done()
    assert handed.frames() == []


def test_a_plate_on_disk_is_read_in_place_and_mattes_get_its_numbers(begun: Begun, tmp_path: Path) -> None:
    sequence(tmp_path, 1007, 1008, 1009)
    delivery = begun.delivery
    assert not delivery.refer(8, tmp_path / "shot.1008.exr")  # the first frame says whether it is the file
    plate(delivery, tmp_path, 7)
    for frame in (7, 8, 9):
        delivery.take("remove", frame, raw(tmp_path, frame / 16, 1))
        assert delivery.refer(frame, tmp_path / f"shot.{frame + 1000}.exr")
    delivery.check_complete()
    delivered = delivery.complete()

    assert delivered.plate == str(tmp_path / "shot.%04d.exr")
    assert begun.record.offset == 1000
    assert [read_frame(delivered.mattes["remove"] % n, n).native("A")[0, 0] for n in (1007, 1008, 1009)] == [
        7 / 16, 8 / 16, 9 / 16,
    ]  # fmt: skip
    assert begun.make_job(delivered).shot.frame_numbers == range(1007, 1010)


def test_a_sequence_with_a_hole_is_completed_by_pixels(begun: Begun, tmp_path: Path) -> None:
    sequence(tmp_path, 1007, 1009)
    delivery = begun.delivery
    plate(delivery, tmp_path, 7)
    assert delivery.refer(7, tmp_path / "shot.1007.exr")
    assert not delivery.refer(8, tmp_path / "shot.1008.exr")
    assert not delivery.refer(9, tmp_path / "shot.1007.exr")  # a retimed clip
    assert delivery.refer(9, tmp_path / "shot.1009.exr")
    plate(delivery, tmp_path, 8)
    delivery.take("remove", 7, raw(tmp_path, 1, 1))
    delivery.check_complete()
    delivered = delivery.complete()

    assert begun.record.offset == 0
    for frame in (7, 8, 9):
        assert (read_frame(delivered.plate % frame, frame).native("R") == frame / 8).all()


def test_a_file_that_is_written_beside_pixels_holds_only_numbers(begun: Begun, tmp_path: Path) -> None:
    sequence(tmp_path, 1007)
    odd = np.array([np.nan, np.inf, -np.inf, 1e6, -1e6, 65510.0], np.float32)
    pixels = np.zeros((3, 4, 3), np.float32)
    pixels[0, :2] = odd.reshape(2, 3)
    write_frame(Frame.from_pixels(1009, ("R", "G", "B"), pixels), tmp_path / "shot.1009.exr")
    delivery = begun.delivery
    plate(delivery, tmp_path, 7, 8)
    assert delivery.refer(7, tmp_path / "shot.1007.exr")
    assert delivery.refer(9, tmp_path / "shot.1009.exr")
    delivered = delivery.complete()

    written = read_frame(delivered.plate % 9, 9)
    assert written.read_rgb(written.display_window)[0, :2].ravel().tolist() == [
        0, 65504, -65504, 65504, -65504, 65504,
    ]  # fmt: skip


@pytest.mark.parametrize("size", [(4, 3), (5, 3)])
def test_a_file_that_is_not_what_the_host_shows_is_not_taken(
    begun: Begun, tmp_path: Path, size: tuple[int, int]
) -> None:
    sequence(tmp_path, 1008, size=size)
    plate(begun.delivery, tmp_path, 7)
    assert not begun.delivery.refer(7, tmp_path / "shot.1008.exr")
    for path in (
        "relative.1007.exr",
        "/none/shot.1007.exr",
        "/none/shot.exr",
        "/none/shot.1007.mov",
        "/no%/s.1.exr",
    ):
        assert not begun.delivery.refer(7, Path(path))
