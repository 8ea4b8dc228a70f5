from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.unit.void_engine.removal_case import (
    FIRST,
    PaintingEngine,
    RecordingMonitor,
    make_request,
    plate_pixels,
    square,
    write_plate,
)
from void_engine.engines.interface import EngineRequest
from void_engine.errors import OutputError, SettingError
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.removal import run_removal
from void_engine.removal_checks import check_engine, rehearse


@dataclass
class RefusingEngine(PaintingEngine):
    looked_here: list[bool] = field(default_factory=list)

    def check_request(self, request: EngineRequest, *, is_here: bool) -> None:
        self.looked_here.append(is_here)
        raise SettingError("no such prompt")


def _shapes() -> dict[str, object]:
    return {"remove": lambda number: [square(30, 20, 50, 40)]}


def test_an_engine_refuses_before_any_file_is_opened(tmp_path: Path) -> None:
    with ExitStack() as files:
        request = make_request(files, str(tmp_path / "none.%04d.exr"), tmp_path / "out", shapes=_shapes())
        engine = RefusingEngine()
        with pytest.raises(SettingError, match="no such prompt"):
            run_removal(request, engine, RecordingMonitor())
        with pytest.raises(SettingError, match="no such prompt"):
            check_engine(request, engine, is_here=False)
        assert engine.looked_here == [True, False]
        check_engine(request, PaintingEngine())  # one that has nothing to say


def test_a_folder_in_the_way_is_told_before_a_matte_is_read(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("no folder")
    monitor = RecordingMonitor()
    with ExitStack() as files:
        request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=_shapes())
        with pytest.raises(OutputError, match="cannot be written"):
            run_removal(request, PaintingEngine(), monitor)
    assert monitor.stages == []


def test_a_volume_without_room_for_all_frames_is_told_before_a_matte_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 1 << 40
    monkeypatch.setattr(
        "void_engine.plates.storage.output_folder.OutputFolder.free_bytes", lambda folder: free
    )
    monitor = RecordingMonitor()
    with ExitStack() as files:
        request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=_shapes())
        rehearse(request, FIRST, 4, monitor)
        free = 20_000
        with pytest.raises(OutputError, match=r"4 frames of about .* do not fit .*make room"):
            run_removal(request, PaintingEngine(), monitor)
        rehearse(request, FIRST, 1, monitor)
    assert monitor.stages == []
    assert list((tmp_path / "out").iterdir()) == []


def test_values_that_a_compression_would_spoil_are_told(tmp_path: Path) -> None:
    monitor = RecordingMonitor()
    with ExitStack() as files:
        request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=_shapes())
        request = replace(request, output=replace(request.output, compression="dwaa"))
        bright = plate_pixels(FIRST + 1)
        bright[3, 4] = 40000
        frame = Frame.from_pixels(FIRST + 1, ("R", "G", "B"), bright)
        write_frame(frame, tmp_path / f"plate.{FIRST + 1}.exr", overwrite=True)
        rehearse(request, FIRST, 1, monitor)
        assert monitor.lines == []
        rehearse(request, FIRST + 1, 1, monitor)
    (told,) = monitor.lines
    assert f"frame {FIRST + 1} has values beyond 32768, of which dwaa would make infinity" in told
