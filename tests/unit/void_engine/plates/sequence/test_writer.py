from __future__ import annotations

import errno
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.small_volume import small_volume
from tests.unit.void_engine.plates.conftest import value_of, wait_until
from void_engine.errors import OutputError, OutputExistsError, RemovalCancelled
from void_engine.plates.exr import encoding
from void_engine.plates.exr import file as exr_module
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence import writer as writer_module
from void_engine.plates.sequence.writer import PlateWriter
from void_engine.plates.storage.output_folder import NewFile, OutputFolder
from void_engine.plates.storage.waiting import Patience


def _frames(count: int) -> list[Frame]:
    return [Frame.from_pixels(n, "RGB", np.full((4, 8, 3), n, np.float16)) for n in range(count)]


def test_writes_behind(tmp_path: Path) -> None:
    done: list[tuple[int, Path]] = []
    with PlateWriter("piz", on_written=lambda number, path: done.append((number, path))) as writer:
        for frame in _frames(10):
            writer.submit(frame, tmp_path / f"r.{frame.number}.exr")
    assert sorted(done) == [(number, tmp_path / f"r.{number}.exr") for number in range(10)]
    assert [value_of(read_frame(path, number)) for number, path in sorted(done)] == list(range(10))


class Writes:
    """Holds writes back until ``gate`` opens."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = 0
        self.gate = threading.Event()
        self._lock = threading.Lock()
        monkeypatch.setattr(writer_module, "write_frame", self._write)

    def _write(self, frame: Frame, path: Path, compression: str | None, *, overwrite: bool) -> None:
        with self._lock:
            self.begun += 1
        assert self.gate.wait(10)
        write_frame(frame, path, compression, overwrite=overwrite)


@pytest.mark.parametrize(
    ("bounds", "most"),
    [
        ({"in_flight": 3}, 3),
        ({"in_flight_bytes": 2 * 4 * 8 * 3 * 2}, 2),  # two frames of this size
        ({"in_flight_bytes": 1}, 1),  # one frame is always taken, however large it is
    ],
)
def test_frames_in_flight_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bounds: dict[str, int], most: int
) -> None:
    writes = Writes(monkeypatch)
    submitted: list[int] = []

    def submit_all() -> None:
        with PlateWriter(threads=1, **bounds) as writer:
            for frame in _frames(8):
                writer.submit(frame, tmp_path / f"{frame.number}.exr")
                submitted.append(frame.number)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(submit_all)
        wait_until(lambda: len(submitted) >= most)
        time.sleep(0.05)
        assert submitted == list(range(most))
        writes.gate.set()
        running.result(10)
    assert len(list(tmp_path.iterdir())) == 8


def test_a_failed_write_surfaces_on_the_next_call(tmp_path: Path) -> None:
    (tmp_path / "0.exr").touch()
    writer = PlateWriter()
    frames = _frames(3)
    writer.submit(frames[0], tmp_path / "0.exr")
    wait_until(lambda: writer._error is not None)
    with pytest.raises(OutputExistsError):
        writer.submit(frames[1], tmp_path / "1.exr")
    assert not (tmp_path / "1.exr").exists()
    with pytest.raises(OutputExistsError):
        writer.close()


def test_a_failed_write_surfaces_on_close(tmp_path: Path) -> None:
    (tmp_path / "0.exr").touch()
    writer = PlateWriter()
    writer.submit(_frames(1)[0], tmp_path / "0.exr")
    with pytest.raises(OutputExistsError):
        writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.submit(_frames(1)[0], tmp_path / "1.exr")


def test_what_the_callback_raises_surfaces(tmp_path: Path) -> None:
    def refuse(number: int, path: Path) -> None:
        raise RuntimeError(f"no room for {number}")

    writer = PlateWriter(on_written=refuse)
    writer.submit(_frames(1)[0], tmp_path / "0.exr")
    with pytest.raises(RuntimeError, match="no room for 0"):
        writer.close()


def test_leaving_by_an_exception_drops_what_waits_and_leaves_whole_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = Writes(monkeypatch)

    def interrupted() -> None:
        with PlateWriter(threads=1, in_flight=4) as writer:
            for frame in _frames(4):
                writer.submit(frame, tmp_path / f"{frame.number}.exr")
            threading.Timer(0.1, writes.gate.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [entry.name for entry in tmp_path.iterdir()] == ["0.exr"]
    assert value_of(read_frame(tmp_path / "0.exr", 0)) == 0


def _full_until(monkeypatch: pytest.MonkeyPatch, failures: int, error: OSError) -> list[Path]:
    """Make the first calls that put a file in place fail as on a full disk."""
    tried: list[Path] = []
    real = exr_module.put_in_place

    def put(file: NewFile, folder: OutputFolder, name: str) -> None:
        tried.append(folder.path / name)
        if len(tried) <= failures:
            raise error
        real(file, folder, name)

    monkeypatch.setattr(exr_module, "put_in_place", put)
    return tried


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, r"output volume full: [0-9.]+ .?B left, needs about \d"),
        (errno.EDQUOT, r"output volume full: .* needs about \d"),
        (errno.EROFS, r"output folder .* is read-only"),
        (errno.EACCES, r"no permission to write into output folder"),
        (errno.ESTALE, r"the drive of output folder .* does not answer"),
    ],
)
def test_waits_until_a_frame_can_be_written(
    code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = _full_until(monkeypatch, 2, OSError(code, os.strerror(code)))
    told: list[str] = []
    done: list[int] = []
    patience = Patience(20.0, told.append)
    with PlateWriter(patience=patience, expected=3, on_written=lambda number, path: done.append(number)) as w:
        for frame in _frames(1):
            w.submit(frame, tmp_path / f"{frame.number}.exr")
    assert len(tried) == 3
    assert re.search(words, told[0])
    assert told[-1] == ""
    assert done == [0]
    assert [entry.name for entry in tmp_path.iterdir()] == ["0.exr"]


def test_a_wait_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _full_until(monkeypatch, 10**6, OSError(errno.ENOSPC, "No space left on device"))
    writer = PlateWriter(patience=Patience(0.4))
    writer.submit(_frames(1)[0], tmp_path / "0.exr")
    with pytest.raises(OutputError, match=r"No space left on device.*\(waited 0.4 s for it\)"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_removal_that_waits_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _full_until(monkeypatch, 10**6, OSError(errno.ENOSPC, "No space left on device"))
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise RemovalCancelled

    writer = PlateWriter(patience=Patience(60.0, lambda text: stop.set(), check), in_flight=1)
    writer.submit(_frames(1)[0], tmp_path / "0.exr")
    began = time.monotonic()
    with pytest.raises(RemovalCancelled):
        writer.submit(_frames(2)[1], tmp_path / "1.exr")
    assert time.monotonic() - began < 5
    writer.abandon()


def test_what_does_not_pass_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = _full_until(monkeypatch, 10**6, OSError(errno.EFBIG, "File too large"))
    writer = PlateWriter(patience=Patience(60.0))
    writer.submit(_frames(1)[0], tmp_path / "0.exr")
    with pytest.raises(OutputError, match="File too large"):
        writer.close()
    assert len(tried) == 1


def test_a_folder_that_goes_away_is_not_made_anew(tmp_path: Path) -> None:
    """An empty folder in place of a mounted drive would swallow the frames."""
    folder, away = tmp_path / "mounted", tmp_path / "away"
    told: list[str] = []

    def bring_back(text: str) -> None:
        told.append(text)
        if text:
            assert not folder.exists()
            away.rename(folder)

    writer = PlateWriter(patience=Patience(20.0, bring_back), threads=1)
    first, second = _frames(2)
    writer.submit(first, folder / "0.exr")
    wait_until(lambda: folder in writer._device)
    folder.rename(away)
    writer.submit(second, folder / "1.exr")
    writer.close()
    assert "is gone" in told[0]
    assert sorted(entry.name for entry in folder.iterdir()) == ["0.exr", "1.exr"]


def test_a_volume_that_is_really_full(tmp_path: Path) -> None:
    with small_volume(tmp_path / "small", "256k") as small:
        ballast = small / "ballast"
        ballast.write_bytes(bytes(230_000))
        told: list[str] = []

        def make_room(text: str) -> None:
            told.append(text)
            if text:
                ballast.unlink()

        noise = np.random.default_rng(1).random((64, 128, 3)).astype(np.float16)
        with PlateWriter("none", patience=Patience(20.0, make_room), threads=1) as writer:
            writer.submit(Frame.from_pixels(7, "RGB", noise), small / "7.exr")
        assert re.search(r"output volume full: .* left, needs about", told[0])
        assert [entry.name for entry in small.iterdir()] == ["7.exr"]
        assert np.array_equal(read_frame(small / "7.exr", 7).native("R"), noise[..., 0])


class SilentFullVolume:
    """A volume on which a library fails without a reason, as OpenImageIO does on a full one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = True
        self.tries = 0
        self.meanwhile: list[Any] = []
        """What happens while the next picture is written, and before that fails."""
        real_image, real_write = encoding._write_parts, NewFile.write

        def write_image(*arguments: Any) -> None:
            self.tries += 1
            was_full = self.is_full
            if self.meanwhile:
                self.meanwhile.pop()()
            if was_full:
                raise OSError("OpenImageIO gave no reason")
            real_image(*arguments)

        def write(file: NewFile, content: bytes) -> None:
            if self.is_full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real_write(file, content)

        monkeypatch.setattr(encoding, "_write_parts", write_image)
        monkeypatch.setattr(NewFile, "write", write)


def test_room_that_another_writer_makes_hides_no_full_volume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two frames meet a full volume. The first one deletes what it has written before anybody asks why the
    second one has failed."""
    volume = SilentFullVolume(monkeypatch)
    first, second = _frames(2)

    def first_fails_and_makes_room() -> None:
        with pytest.raises(OutputError) as caught:
            write_frame(first, tmp_path / "first.exr")
        assert "output volume full" in caught.value.obstacle
        volume.is_full = False

    volume.meanwhile.append(first_fails_and_makes_room)
    with pytest.raises(OutputError) as caught:
        write_frame(second, tmp_path / "second.exr")
    assert "output volume full" in caught.value.obstacle
    assert (volume.tries, list(tmp_path.iterdir())) == (2, [])


def test_a_failure_without_a_reason_is_tried_again_and_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may have filled the volume and made room again."""
    volume = SilentFullVolume(monkeypatch)

    def another_process_makes_room() -> None:
        volume.is_full = False

    volume.meanwhile.append(another_process_makes_room)
    write_frame(_frames(1)[0], tmp_path / "0.exr")
    assert (volume.tries, [path.name for path in tmp_path.iterdir()]) == (2, ["0.exr"])

    def always(*arguments: Any) -> None:
        volume.tries += 1
        raise OSError("OpenImageIO gave no reason")

    monkeypatch.setattr(encoding, "_write_parts", always)
    with pytest.raises(OutputError, match="gave no reason") as caught:
        write_frame(_frames(1)[0], tmp_path / "1.exr")
    assert (caught.value.obstacle, volume.tries) == ("", 5)


def test_a_full_volume_of_long_ago_explains_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = SilentFullVolume(monkeypatch)
    with pytest.raises(OutputError, match="gave no reason") as caught:
        write_frame(_frames(1)[0], tmp_path / "0.exr")
    assert "output volume full" in caught.value.obstacle
    volume.is_full = False
    write_frame(_frames(1)[0], tmp_path / "0.exr")
    monkeypatch.setattr(encoding, "_write_parts", lambda *_: (_ for _ in ()).throw(OSError("no reason")))
    with pytest.raises(OutputError) as caught:
        write_frame(_frames(1)[0], tmp_path / "1.exr")
    assert caught.value.obstacle == ""
