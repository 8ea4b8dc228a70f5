from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.following import removal as module
from void_server.openfx_bridge.following.removals import Removals
from void_server.openfx_bridge.pixels.folder import PixelFolder
from void_server.openfx_bridge.results.folder import Phase, ResultFolder
from void_server.openfx_bridge.results.record import Record


class NoServer:
    """A link that finds no server."""

    def __init__(self) -> None:
        self.asked = 0

    def client(self) -> Any:
        self.asked += 1
        raise BridgeError("The VOID server cannot be reached: it is asleep.")


class Told(list[Mapping[str, str]]):
    """The events."""


def result(folder: Path, phase: Phase, frames: int) -> tuple[Record, ResultFolder]:
    """A result of three frames, of which some are there."""
    path = folder / "removal_v001"
    (path / "export").mkdir(parents=True)
    record = Record(
        job="j" * 8, folder=str(path), name="removal", version=1, first=1, last=3, box=(0, 0, 4, 4)
    )
    made = ResultFolder(path)
    for frame in range(1, frames + 1):
        (path / record.file_name(frame)).write_bytes(b"frame")
    made.keep(record, phase, "the engine is out of breath", (0.2, 0.2, 0.6))
    return record, made


@pytest.fixture
def link() -> NoServer:
    return NoServer()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def pixels(tmp_path: Path) -> PixelFolder:
    return PixelFolder(tmp_path / "memory")


@pytest.fixture
def removals(
    link: NoServer, told: Told, pixels: PixelFolder, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Removals]:
    monkeypatch.setattr(module, "_AGAIN_S", (0.05,))
    made = Removals(link, told.append, pixels, is_background=False)  # type: ignore[arg-type]
    yield made
    made.finish(0.0)


def wait_for(condition: Any) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_all_frames_are_no_end_while_a_server_may_still_read_the_plate(
    removals: Removals, link: NoServer, told: Told, tmp_path: Path
) -> None:
    record, folder = result(tmp_path, "handed over", 3)
    said = removals.status(record.text, "")

    assert (said["state"], said["ready"]) == ("running", "3")
    wait_for(lambda: link.asked > 2)
    assert folder.export.exists()
    wait_for(lambda: told)
    assert told[-1]["record"] == record.text
    assert (
        told[-1]["text"]
        == "The VOID server cannot be reached: it is asleep; the removal goes on when it answers"
    )


@pytest.mark.parametrize(
    ("phase", "frames", "state", "text"),
    [
        (
            "finished",
            3,
            "finished",
            "Finished, 3 frames; 60 % of what goes is invented, because no frame shows it",
        ),
        ("failed", 1, "failed", "the engine is out of breath"),
        ("cancelled", 1, "cancelled", "Cancelled; 1 of 3 frames are there and stay"),
    ],
)
def test_what_has_ended_is_told_by_its_files_alone(
    removals: Removals, link: NoServer, tmp_path: Path, phase: Phase, frames: int, state: str, text: str
) -> None:
    record, _ = result(tmp_path, phase, frames)
    said = removals.status(record.text, "")

    assert (said["state"], said["text"]) == (state, text)
    assert (said["real"], said["invented"]) == ("0.2", "0.6")
    assert link.asked == 0


def test_files_without_a_word_about_them_are_a_result_when_all_are_there(
    removals: Removals, link: NoServer, tmp_path: Path
) -> None:
    record, folder = result(tmp_path, "finished", 3)
    (folder.path / "removal.json").unlink()
    assert removals.status(record.text, "")["state"] == "finished"
    assert link.asked == 0


def test_a_render_takes_nothing_up_and_asks_nobody(link: NoServer, told: Told, tmp_path: Path) -> None:
    removals = Removals(link, told.append, PixelFolder(tmp_path / "memory"), is_background=True)  # type: ignore[arg-type]
    record, folder = result(tmp_path, "handed over", 2)
    said = removals.status(record.text, "")
    assert (said["state"], said["text"]) == ("lost", "2 of 3 frames are there")
    assert link.asked == 0
    assert folder.export.exists()
    removals.finish(0.0)


def test_a_result_that_is_nowhere_is_told_with_both_places(removals: Removals, tmp_path: Path) -> None:
    record, folder = result(tmp_path / "old", "finished", 3)
    folder.path.rename(tmp_path / "elsewhere")
    said = removals.status(record.text, str(tmp_path / "new"))
    assert said["state"] == "lost"
    assert str(tmp_path / "new") in said["text"]
    assert record.folder in said["text"]


def test_cancelling_what_has_ended_says_how_it_ended(removals: Removals, tmp_path: Path) -> None:
    record, _ = result(tmp_path, "finished", 3)
    assert removals.cancel(record.text, "").startswith("Finished")


def test_the_log_of_what_has_ended_is_beside_it(removals: Removals, tmp_path: Path) -> None:
    record, folder = result(tmp_path, "failed", 1)
    assert removals.log(record.text, "") == ""
    folder.keep_log("one\ntwo")
    assert removals.log(record.text, "") == "one\ntwo\n"
