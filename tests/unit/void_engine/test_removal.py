"""A removal from files to files, with small engines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.void_engine.removal_case import (
    FIRST,
    HEIGHT,
    LAST,
    WIDTH,
    PaintingEngine,
    RecordingMonitor,
    make_request,
    plate_pixels,
    square,
    write_matte,
    write_plate,
)
from void_engine.engines.identity import IdentityEngine
from void_engine.engines.interface import CleanFrame, EngineRequest, Monitor, ShotSource
from void_engine.engines.registry import make_engine
from void_engine.errors import (
    EngineError,
    MatteError,
    MissingFrameError,
    OutputError,
    OutputExistsError,
    PlateError,
    RemovalCancelled,
    SettingError,
)
from void_engine.geometry import Box
from void_engine.made_from import JOB_ID_KEY
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.region import RegionMode
from void_engine.removal import run_removal
from void_engine.removal_request import RegionRequest, RemovalRequest
from void_engine.shot import AnchorFrames, ReplacementLook

SHARP = ReplacementLook(growth_px=0.0, softness_px=0.0)
HOLE = Box(30, 20, 50, 40)


def shapes_of(role: str = "remove") -> dict[str, object]:
    return {role: lambda number: [square(HOLE.x0, HOLE.y0, HOLE.x1, HOLE.y1)]}


class OvertakenEngine(PaintingEngine):
    """An engine that is so slow that meanwhile another process has made the whole result of ``other``."""

    def __init__(self, other: RemovalRequest) -> None:
        super().__init__()
        self._other = other

    def remove(self, shot: ShotSource, request: EngineRequest, monitor: Monitor) -> Iterator[CleanFrame]:
        run_removal(self._other, PaintingEngine(), RecordingMonitor())
        yield from super().remove(shot, request, monitor)


@pytest.fixture
def files() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def result(folder: Path, number: int = FIRST) -> np.ndarray:
    frame = read_frame(folder / f"result.{number}.exr", number)
    return np.stack([frame.native(name) for name in "RGB"], axis=-1)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("role", ["remove", "affected"])
def test_only_the_matte_is_replaced(tmp_path: Path, files: ExitStack, full: bool, role: str) -> None:
    request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=shapes_of(role), look=SHARP)
    (tmp_path / "out").mkdir()
    monitor = RecordingMonitor()
    engine = PaintingEngine(full=full)
    run_removal(request, engine, monitor)
    assert sorted(monitor.done) == list(range(FIRST, LAST + 1))
    for number in range(FIRST, LAST + 1):
        expected = plate_pixels(number)
        expected[HOLE.slices(Box.from_size(WIDTH, HEIGHT))] = engine.colour
        assert np.array_equal(result(tmp_path / "out", number).view(np.uint16), expected.view(np.uint16))


def test_growth_and_softness_reach_as_far_as_they_say(tmp_path: Path, files: ExitStack) -> None:
    look = ReplacementLook(growth_px=3.0, softness_px=4.0)
    request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=shapes_of(), look=look)
    (tmp_path / "out").mkdir()
    run_removal(request, PaintingEngine(), RecordingMonitor())
    got, plate = result(tmp_path / "out"), plate_pixels(FIRST)
    row = (HOLE.y0 + HOLE.y1) // 2
    changed = np.flatnonzero((got[row] != plate[row]).any(axis=1))
    assert (changed[0], changed[-1]) == (HOLE.x0 - 6, HOLE.x1 + 5)
    assert np.array_equal(got[row, HOLE.x0 - 3], np.float16(PaintingEngine().colour))
    matte = read_frame(tmp_path / "out" / f"result.{FIRST}.exr", FIRST).native("matte.A")
    untouched = matte == 0
    assert np.array_equal(got[untouched].view(np.uint16), plate[untouched].view(np.uint16))
    assert 0 < matte[row, HOLE.x0 - 5] < 1


def test_a_models_bare_answer_is_a_layer_on_request(tmp_path: Path, files: ExitStack) -> None:
    class Modelling(PaintingEngine):
        def remove(self, shot: ShotSource, request: EngineRequest, monitor: Monitor) -> Iterator[CleanFrame]:
            for clean in super().remove(shot, request, monitor):
                yield replace(clean, model=np.full_like(clean.picture, 0.125))

    (tmp_path / "out").mkdir()
    layers = frozenset({"matte", "model"})
    request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=shapes_of(), layers=layers)
    run_removal(request, Modelling(), RecordingMonitor())
    frame = read_frame(tmp_path / "out" / f"result.{FIRST}.exr", FIRST)
    assert float(frame.native("model.G")[(HOLE.y0 + HOLE.y1) // 2, (HOLE.x0 + HOLE.x1) // 2]) == 0.125
    assert "clean.R" not in frame.channel_names


def test_layers_and_metadata(tmp_path: Path, files: ExitStack) -> None:
    layers = frozenset({"clean", "matte", "confidence", "quadmask"})
    request = make_request(
        files, write_plate(tmp_path), tmp_path / "out", shapes=shapes_of(), look=SHARP, layers=layers
    )
    (tmp_path / "out").mkdir()
    engine = PaintingEngine(full=True)
    run_removal(request, engine, RecordingMonitor())
    frame = read_frame(tmp_path / "out" / f"result.{LAST}.exr", LAST)
    assert set(frame.channel_names) == {
        "R", "G", "B", "clean.R", "clean.G", "clean.B", "matte.A", "confidence.A", "quadmask.A",
    }  # fmt: skip
    inside, outside = (25, 35), (2, 2)
    assert [float(frame.native(f"clean.{name}")[outside]) for name in "RGB"] == list(engine.colour)
    assert frame.native("matte.A")[inside] == 1
    assert frame.native("matte.A")[outside] == 0
    assert frame.native("confidence.A")[inside] == 0.5
    assert frame.native("quadmask.A")[inside] == 0
    assert frame.native("quadmask.A")[outside] == 1
    assert frame.metadata[JOB_ID_KEY] == "job1"
    assert frame.metadata["void/seed"] == "7"
    assert frame.metadata["void/paint"] == "wet"
    x0, y0, x1, y1 = (int(word) for word in str(frame.metadata["void/replaced"]).split())
    changed = frame.native("matte.A") > 0
    assert changed[y0:y1, x0:x1].sum() == changed.sum() > 0
    assert (x1 - x0) * (y1 - y0) < changed.size


def test_the_identity_engine_changes_no_bit(tmp_path: Path, files: ExitStack) -> None:
    request = make_request(
        files, write_plate(tmp_path), tmp_path / "out", shapes=shapes_of(), match_seam=True
    )
    (tmp_path / "out").mkdir()
    run_removal(request, IdentityEngine(), RecordingMonitor())
    for number in range(FIRST, LAST + 1):
        got = result(tmp_path / "out", number)
        assert np.array_equal(got.view(np.uint16), plate_pixels(number).view(np.uint16))


def test_a_matte_file_drives_the_removal(tmp_path: Path, files: ExitStack) -> None:
    values = np.zeros((HEIGHT, WIDTH), np.float32)
    values[HOLE.slices(Box.from_size(WIDTH, HEIGHT))] = 1.0
    values[0, 0] = np.nan
    pattern = write_matte(tmp_path / "m", values)
    request = make_request(
        files, write_plate(tmp_path), tmp_path / "out", mattes=[("remove", pattern, "A", False)], look=SHARP
    )
    (tmp_path / "out").mkdir()
    run_removal(request, PaintingEngine(), RecordingMonitor())
    changed = (result(tmp_path / "out") != plate_pixels(FIRST)).any(axis=2)
    assert np.array_equal(changed, np.nan_to_num(values) > 0)


def test_an_inverted_matte_and_a_hold_out(tmp_path: Path, files: ExitStack) -> None:
    values = np.ones((HEIGHT, WIDTH), np.float32)
    values[HOLE.slices(Box.from_size(WIDTH, HEIGHT))] = 0.0
    pattern = write_matte(tmp_path / "m", values)
    shapes = {"ignore": lambda number: [square(30, 20, 40, 40)]}
    request = make_request(
        files,
        write_plate(tmp_path),
        tmp_path / "out",
        shapes=shapes,
        mattes=[("remove", pattern, "A", True)],
        look=SHARP,
    )
    (tmp_path / "out").mkdir()
    run_removal(request, PaintingEngine(), RecordingMonitor())
    changed = (result(tmp_path / "out") != plate_pixels(FIRST)).any(axis=2)
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[20:40, 40:50] = True
    assert np.array_equal(changed, expected)


def test_overscan_is_worked_on_too(tmp_path: Path, files: ExitStack) -> None:
    window = Box(-8, -4, WIDTH + 8, HEIGHT + 4)
    shapes = {"remove": lambda number: [square(-20, 10, 4, 20)]}
    request = make_request(
        files, write_plate(tmp_path, window=window), tmp_path / "out", shapes=shapes, look=SHARP
    )
    (tmp_path / "out").mkdir()
    run_removal(request, PaintingEngine(), RecordingMonitor())
    frame = read_frame(tmp_path / "out" / f"result.{FIRST}.exr", FIRST)
    assert frame.data_window == window
    assert frame.display_size == (WIDTH, HEIGHT)
    changed = (result(tmp_path / "out") != plate_pixels(FIRST, window.width, window.height)).any(axis=2)
    expected = np.zeros(window.shape, bool)
    expected[Box(-8, 10, 4, 20).slices(window)] = True
    assert np.array_equal(changed, expected)


@pytest.mark.parametrize("scale", [0.5, 0.25])
def test_a_proxy_is_a_smaller_plate(tmp_path: Path, files: ExitStack, scale: float) -> None:
    request = make_request(
        files,
        write_plate(tmp_path),
        tmp_path / "out",
        shapes=shapes_of(),
        look=SHARP,
        scale=scale,
        display_size=(WIDTH, HEIGHT),
    )
    (tmp_path / "out").mkdir()
    run_removal(request, PaintingEngine(), RecordingMonitor())
    frame = read_frame(tmp_path / "out" / f"result.{FIRST}.exr", FIRST)
    assert frame.display_size == (WIDTH * scale, HEIGHT * scale)
    hole = HOLE.scaled(scale)
    assert np.all(frame.native("matte.A")[hole.slices(frame.data_window)] == 1)
    assert np.count_nonzero(frame.native("matte.A")) == hole.width * hole.height


def test_a_box_region_limits_the_work(tmp_path: Path, files: ExitStack) -> None:
    region = RegionRequest(RegionMode.BOX, box=Box(32, 16, 64, 48))
    request = make_request(
        files, write_plate(tmp_path), tmp_path / "out", shapes=shapes_of(), look=SHARP, region=region
    )
    (tmp_path / "out").mkdir()
    run_removal(request, PaintingEngine(), RecordingMonitor())
    changed = (result(tmp_path / "out") != plate_pixels(FIRST)).any(axis=2)
    assert changed[:, 32:50].any()
    assert not changed[:, :32].any()


def test_a_hold_out_is_never_touched_however_far_the_matte_grows(tmp_path: Path, files: ExitStack) -> None:
    held = Box(40, 0, 96, 64)
    shapes = {**shapes_of(), "ignore": lambda number: [square(held.x0, held.y0, held.x1, held.y1)]}
    look = ReplacementLook(growth_px=9.0, softness_px=4.0)
    request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=shapes, look=look)
    run_removal(request, PaintingEngine(), RecordingMonitor())
    got, plate = result(tmp_path / "out"), plate_pixels(FIRST)
    assert np.array_equal(got[:, 40:].view(np.uint16), plate[:, 40:].view(np.uint16))
    assert (got[:, :40] != plate[:, :40]).any()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["identity", "propagation"])
def test_a_broken_pixel_of_the_plate_comes_through(tmp_path: Path, files: ExitStack, engine: str) -> None:
    pattern = write_plate(tmp_path)
    broken = plate_pixels(FIRST)
    broken[3, 5], broken[4, 6] = np.nan, np.inf
    write_frame(
        Frame.from_pixels(FIRST, ("R", "G", "B"), broken.copy()), tmp_path / "plate.1001.exr", overwrite=True
    )
    request = make_request(
        files,
        pattern,
        tmp_path / "out",
        shapes=shapes_of(),
        layers=frozenset({"clean", "matte"}),
        region=RegionRequest(RegionMode.FRAME),
    )
    run_removal(request, make_engine(engine), RecordingMonitor())
    got = result(tmp_path / "out")
    assert np.array_equal(got[:8].view(np.uint16), broken[:8].view(np.uint16))
    clean = read_frame(tmp_path / "out" / "result.1001.exr", FIRST).native("clean.R")
    assert np.isfinite(clean).all()


def test_a_growth_that_leaves_nothing_is_told(tmp_path: Path, files: ExitStack) -> None:
    request = make_request(
        files,
        write_plate(tmp_path),
        tmp_path / "out",
        shapes=shapes_of(),
        look=ReplacementLook(growth_px=-200.0, softness_px=0.0),
        pixel_aspect=2.0,
    )
    monitor = RecordingMonitor()
    run_removal(request, PaintingEngine(), monitor)
    assert any("nothing was replaced" in line and "-200 px" in line for line in monitor.lines)
    assert any("pixel aspect of 2" in line for line in monitor.lines)


class TestWhatGoesWrong:
    def request(self, tmp_path: Path, files: ExitStack, **changes: object) -> object:
        (tmp_path / "out").mkdir(exist_ok=True)
        changes.setdefault("shapes", shapes_of())
        return make_request(files, write_plate(tmp_path), tmp_path / "out", **changes)  # type: ignore[arg-type]

    def run(self, request: object, engine: object | None = None) -> RecordingMonitor:
        monitor = RecordingMonitor()
        run_removal(request, engine or PaintingEngine(), monitor)  # type: ignore[arg-type]
        return monitor

    def test_a_missing_frame(self, tmp_path: Path, files: ExitStack) -> None:
        request = self.request(tmp_path, files)
        (tmp_path / "plate.1002.exr").unlink()
        with pytest.raises(MissingFrameError, match="1002"):
            self.run(request)
        assert not list((tmp_path / "out").iterdir())

    def test_a_plate_of_another_size(self, tmp_path: Path, files: ExitStack) -> None:
        with pytest.raises(PlateError, match=r"96x64, the job says 1920x1080"):
            self.run(self.request(tmp_path, files, display_size=(1920, 1080)))

    def test_results_are_never_overwritten(self, tmp_path: Path, files: ExitStack) -> None:
        request = self.request(tmp_path, files)
        foreign = tmp_path / "out" / "result.1003.exr"
        foreign.write_bytes(b"precious")
        with pytest.raises(OutputExistsError, match=r"result\.1003\.exr.*next output version"):
            self.run(request)
        assert foreign.read_bytes() == b"precious"
        assert len(list((tmp_path / "out").iterdir())) == 1

    def test_empty_mattes(self, tmp_path: Path, files: ExitStack) -> None:
        with pytest.raises(MatteError, match="empty on every frame of 1001-1004"):
            self.run(self.request(tmp_path, files, shapes={"remove": lambda number: []}))

    def test_mattes_beside_the_frame(self, tmp_path: Path, files: ExitStack) -> None:
        shapes = {"remove": lambda number: [square(500, 500, 520, 520)]}
        with pytest.raises(MatteError, match="empty on every frame"):
            self.run(self.request(tmp_path, files, shapes=shapes))

    def test_mattes_where_the_plate_stores_nothing(self, tmp_path: Path, files: ExitStack) -> None:
        plate = write_plate(tmp_path, window=Box(WIDTH - 4, 0, WIDTH + 6, 10))
        (tmp_path / "out").mkdir()
        request = make_request(files, plate, tmp_path / "out", shapes=shapes_of())
        with pytest.raises(MatteError, match="no pixels where the mattes are: they cover x 2"):
            self.run(request)

    def test_a_matte_without_its_channel(self, tmp_path: Path, files: ExitStack) -> None:
        pattern = write_matte(tmp_path / "m", np.ones((HEIGHT, WIDTH), np.float32))
        mattes = [("remove", pattern, "shadow.A", False)]
        with pytest.raises(MatteError, match=r"matte\.1001\.exr.*no channel 'shadow\.A', only A"):
            self.run(self.request(tmp_path, files, shapes={}, mattes=mattes))

    def test_a_matte_of_another_size(self, tmp_path: Path, files: ExitStack) -> None:
        pattern = write_matte(tmp_path / "m", np.ones((HEIGHT // 2, WIDTH // 2), np.float32))
        with pytest.raises(MatteError, match=r"48x32.*plate is 96x64"):
            self.run(self.request(tmp_path, files, shapes={}, mattes=[("remove", pattern, "A", False)]))

    def test_a_missing_matte_frame_is_told_before_the_work(self, tmp_path: Path, files: ExitStack) -> None:
        matte = np.ones((HEIGHT, WIDTH), np.float32)
        pattern = write_matte(tmp_path / "m", matte, iter([1001, 1002, 1004]))
        engine = PaintingEngine(full=True)
        with pytest.raises(MissingFrameError, match="1003"):
            self.run(
                self.request(tmp_path, files, shapes={}, mattes=[("remove", pattern, "A", False)]), engine
            )
        assert engine.asked == []

    def test_an_anchor_of_another_size(self, tmp_path: Path, files: ExitStack) -> None:
        anchors = tmp_path / "anchors"
        write_matte(anchors, np.ones((HEIGHT // 2, WIDTH // 2), np.float32))
        frames = files.enter_context(PlateSequence(str(anchors / "matte.%04d.exr"), FIRST, LAST))
        engine = PaintingEngine()
        with pytest.raises(PlateError, match=r"anchor is 48x32, the plate is 96x64"):
            self.run(self.request(tmp_path, files, anchors=AnchorFrames(frames, frozenset({1002}))), engine)
        assert engine.asked == []

    def test_a_missing_anchor_is_told_before_the_work(self, tmp_path: Path, files: ExitStack) -> None:
        frames = files.enter_context(PlateSequence(str(tmp_path / "none.%04d.exr"), FIRST, LAST))
        engine = PaintingEngine()
        with pytest.raises(MissingFrameError, match=r"none\.1002"):
            self.run(self.request(tmp_path, files, anchors=AnchorFrames(frames, frozenset({1002}))), engine)
        assert engine.asked == []

    def test_an_engine_that_leaves_frames_out(self, tmp_path: Path, files: ExitStack) -> None:
        class Lazy(PaintingEngine):
            def remove(
                self, shot: ShotSource, request: EngineRequest, monitor: Monitor
            ) -> Iterator[CleanFrame]:
                yield from list(super().remove(shot, request, monitor))[:2]

        with pytest.raises(EngineError, match="2 of 4 frames"):
            self.run(self.request(tmp_path, files), Lazy())

    def test_an_engine_that_mixes_frames_up(self, tmp_path: Path, files: ExitStack) -> None:
        class Mixed(PaintingEngine):
            def remove(
                self, shot: ShotSource, request: EngineRequest, monitor: Monitor
            ) -> Iterator[CleanFrame]:
                yield from reversed(list(super().remove(shot, request, monitor)))

        with pytest.raises(EngineError, match="out of order"):
            self.run(self.request(tmp_path, files), Mixed())

    def test_an_engine_that_gives_nan(self, tmp_path: Path, files: ExitStack) -> None:
        with pytest.raises(EngineError, match="frame 1001"):
            self.run(self.request(tmp_path, files), PaintingEngine(colour=(float("nan"), 0.0, 0.0)))
        assert not list((tmp_path / "out").iterdir())

    def test_a_layer_that_is_not_there(self, tmp_path: Path, files: ExitStack) -> None:
        with pytest.raises(PlateError, match="beauty"):
            self.run(self.request(tmp_path, files, layer="beauty"))

    def test_a_box_outside_the_frame(self, tmp_path: Path, files: ExitStack) -> None:
        region = RegionRequest(RegionMode.BOX, box=Box(90, 60, 200, 200))
        with pytest.raises(SettingError, match="region"):
            self.run(self.request(tmp_path, files, region=region))

    def test_a_box_beside_the_frame(self, tmp_path: Path, files: ExitStack) -> None:
        outside = RegionRequest(RegionMode.BOX, box=Box(1000, 0, 1100, 100))
        with pytest.raises(SettingError, match=r"settings\.region\.box lies outside the plate"):
            self.run(self.request(tmp_path, files, region=outside))


class TestStoppingAndGoingOn:
    def test_cancelling_keeps_whole_frames_only(self, tmp_path: Path, files: ExitStack) -> None:
        (tmp_path / "out").mkdir()
        request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=shapes_of())
        monitor = RecordingMonitor(cancel_at=1003)
        with pytest.raises(RemovalCancelled):
            run_removal(request, PaintingEngine(), monitor)
        names = {path.name for path in (tmp_path / "out").iterdir()}
        assert names == {f"result.{number}.exr" for number in monitor.done}
        assert "result.1003.exr" not in names

    def test_the_same_job_goes_on_where_it_stopped(self, tmp_path: Path, files: ExitStack) -> None:
        (tmp_path / "out").mkdir()
        plate = write_plate(tmp_path)
        whole = make_request(files, plate, tmp_path / "out", shapes=shapes_of())
        run_removal(whole, PaintingEngine(), RecordingMonitor())
        kept = tmp_path / "out" / "result.1002.exr"
        before = kept.read_bytes()
        (tmp_path / "out" / "result.1001.exr").unlink()
        (tmp_path / "out" / "result.1004.exr").unlink()
        again = make_request(files, plate, tmp_path / "out", shapes=shapes_of(), resume=True)
        engine, monitor = PaintingEngine(), RecordingMonitor()
        run_removal(again, engine, monitor)
        assert engine.asked == [1001, 1004]
        assert sorted(monitor.done) == [1001, 1002, 1003, 1004]
        assert kept.read_bytes() == before

    @pytest.mark.parametrize("zeros", [False, True])
    def test_a_frame_without_its_end_is_made_again(
        self, tmp_path: Path, files: ExitStack, zeros: bool
    ) -> None:
        """A file server that lost its power may leave such a file, whatever it reported before."""
        (tmp_path / "out").mkdir()
        plate = write_plate(tmp_path)
        run_removal(
            make_request(files, plate, tmp_path / "out", shapes=shapes_of()),
            PaintingEngine(),
            RecordingMonitor(),
        )
        path = tmp_path / "out" / "result.1002.exr"
        whole = path.read_bytes()
        lost = len(whole) // 5
        path.write_bytes(whole[:-lost] + bytes(lost if zeros else 0))
        again = make_request(files, plate, tmp_path / "out", shapes=shapes_of(), resume=True)
        engine, monitor = PaintingEngine(), RecordingMonitor()
        run_removal(again, engine, monitor)
        assert engine.asked == [1002]
        assert path.read_bytes() == whole
        assert sorted(monitor.done) == [1001, 1002, 1003, 1004]
        assert any("1002 of an earlier run are damaged" in line for line in monitor.lines)

    def test_an_edited_job_does_not_go_on(self, tmp_path: Path, files: ExitStack) -> None:
        (tmp_path / "out").mkdir()
        plate = write_plate(tmp_path)
        first = make_request(files, plate, tmp_path / "out", shapes=shapes_of())
        run_removal(first, PaintingEngine(), RecordingMonitor())
        edited = make_request(
            files, plate, tmp_path / "out", shapes=shapes_of(), resume=True, fingerprint="f2"
        )
        with pytest.raises(OutputExistsError, match="made otherwise"):
            run_removal(edited, PaintingEngine(), RecordingMonitor())

    @pytest.mark.parametrize("which", ["plate", "matte", "anchor"])
    def test_frames_made_from_other_files_are_made_again(
        self, tmp_path: Path, files: ExitStack, which: str
    ) -> None:
        """A plate that is rendered again keeps its name; the result must not be half old and half new."""
        (tmp_path / "out").mkdir()
        plate = write_plate(tmp_path)
        values = np.zeros((HEIGHT, WIDTH), np.float32)
        values[HOLE.slices(Box.from_size(WIDTH, HEIGHT))] = 1.0
        matte = write_matte(tmp_path / "m", values)
        write_plate(tmp_path / "a", first=1002, last=1002)
        anchors = AnchorFrames(
            PlateSequence(tmp_path / "a" / "plate.%04d.exr", FIRST, LAST), frozenset({1002})
        )
        files.enter_context(anchors.frames)

        def run(resume: bool) -> tuple[PaintingEngine, RecordingMonitor]:
            engine, monitor = PaintingEngine(), RecordingMonitor()
            request = make_request(
                files, plate, tmp_path / "out", mattes=[("remove", matte, "A", False)], resume=resume
            )
            run_removal(replace(request, anchors=anchors), engine, monitor)
            return engine, monitor

        run(False)
        changed = {
            "plate": tmp_path / "plate.1003.exr",
            "matte": tmp_path / "m" / "matte.1001.exr",
            "anchor": tmp_path / "a" / "plate.1002.exr",
        }[which]
        os.utime(changed, ns=(1, 1))
        engine, monitor = run(True)
        assert engine.asked == []  # another time, the same content
        assert sorted(monitor.done) == [1001, 1002, 1003, 1004]

        frame = read_frame(changed, 1003)
        pixels = np.stack([frame.native(name) for name in frame.channel_names], axis=-1).copy()
        pixels[0, 0] += 1
        write_frame(Frame.from_pixels(1003, frame.channel_names, pixels), changed, overwrite=True)
        (tmp_path / "out" / "result.1004.exr").unlink()
        engine, monitor = run(True)
        assert engine.asked == [1001, 1002, 1003, 1004]
        assert any("1001-1003 were made from a plate, matte or anchor" in line for line in monitor.lines)
        engine, _ = run(True)
        assert engine.asked == []

    def test_a_frame_that_is_to_be_replaced_stays_until_the_new_one_is_whole(
        self, tmp_path: Path, files: ExitStack
    ) -> None:
        (tmp_path / "out").mkdir()
        plate = write_plate(tmp_path)
        run_removal(
            make_request(files, plate, tmp_path / "out", shapes=shapes_of()),
            PaintingEngine(),
            RecordingMonitor(),
        )
        before = (tmp_path / "out" / "result.1004.exr").read_bytes()
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.float16)
        write_frame(
            Frame.from_pixels(1001, ("R", "G", "B"), pixels), tmp_path / "plate.1001.exr", overwrite=True
        )
        again = make_request(files, plate, tmp_path / "out", shapes=shapes_of(), resume=True)
        with pytest.raises(RemovalCancelled):
            run_removal(again, PaintingEngine(), RecordingMonitor(cancel_at=1003))
        assert (tmp_path / "out" / "result.1004.exr").read_bytes() == before

    def test_a_result_without_a_byte_is_made_again(self, tmp_path: Path, files: ExitStack) -> None:
        (tmp_path / "out").mkdir()
        plate = write_plate(tmp_path)
        first = make_request(files, plate, tmp_path / "out", shapes=shapes_of())
        run_removal(first, PaintingEngine(), RecordingMonitor())
        (tmp_path / "out" / "result.1003.exr").write_bytes(b"")
        engine = PaintingEngine()
        again = make_request(files, plate, tmp_path / "out", shapes=shapes_of(), resume=True)
        run_removal(again, engine, RecordingMonitor())
        assert engine.asked == [1003]

    @pytest.mark.parametrize("verify", [False, True])
    def test_damaged_pixels_are_found_when_asked_for(
        self, tmp_path: Path, files: ExitStack, verify: bool
    ) -> None:
        (tmp_path / "out").mkdir()
        plate = write_plate(tmp_path)
        first = make_request(files, plate, tmp_path / "out", shapes=shapes_of())
        run_removal(first, PaintingEngine(), RecordingMonitor())
        path = tmp_path / "out" / "result.1002.exr"
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 64] = bytes(64)
        path.write_bytes(content)
        engine = PaintingEngine()
        again = make_request(files, plate, tmp_path / "out", shapes=shapes_of(), resume=True)
        run_removal(replace(again, verify=verify), engine, RecordingMonitor())
        assert engine.asked == ([1002] if verify else [])

    def test_a_frame_that_another_process_has_made_meanwhile_counts(
        self, tmp_path: Path, files: ExitStack
    ) -> None:
        """A farm starts a task again when a worker is lost, and the lost one may come back."""
        (tmp_path / "out").mkdir()
        plate = write_plate(tmp_path)

        other = make_request(files, plate, tmp_path / "out", shapes=shapes_of())
        monitor = RecordingMonitor()
        own = make_request(files, plate, tmp_path / "out", shapes=shapes_of())
        run_removal(own, OvertakenEngine(other), monitor)
        assert sorted(monitor.done) == [1001, 1002, 1003, 1004]

    def test_a_frame_that_another_job_has_made_meanwhile_does_not(
        self, tmp_path: Path, files: ExitStack
    ) -> None:
        (tmp_path / "out").mkdir()
        plate = write_plate(tmp_path)

        other = make_request(files, plate, tmp_path / "out", shapes=shapes_of(), fingerprint="f2")
        own = make_request(files, plate, tmp_path / "out", shapes=shapes_of())
        with pytest.raises(OutputExistsError, match="not overwritten"):
            run_removal(own, OvertakenEngine(other), RecordingMonitor())

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that cannot be written")
    def test_a_folder_that_cannot_be_written_is_told_before_the_work(
        self, tmp_path: Path, files: ExitStack
    ) -> None:
        (tmp_path / "out").mkdir(mode=0o500)
        engine = PaintingEngine()
        request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=shapes_of())
        with pytest.raises(OutputError, match="cannot be written"):
            run_removal(request, engine, RecordingMonitor())
        assert engine.asked == []

    @pytest.mark.parametrize("what", ["file in the way", "compression"])
    def test_what_cannot_be_written_is_told_before_the_work(
        self, tmp_path: Path, files: ExitStack, what: str
    ) -> None:
        engine = PaintingEngine()
        request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=shapes_of())
        if what == "compression":
            request = replace(request, output=replace(request.output, compression="none?"))
        else:
            (tmp_path / "out").write_text("no folder")
        with pytest.raises(PlateError, match=r"cannot be written|no compression"):
            run_removal(request, engine, RecordingMonitor())
        assert engine.asked == []

    def test_trying_leaves_nothing(self, tmp_path: Path, files: ExitStack) -> None:
        class Failing(PaintingEngine):
            def remove(
                self, shot: ShotSource, request: EngineRequest, monitor: Monitor
            ) -> Iterator[CleanFrame]:
                assert [path.name for path in (tmp_path / "out").iterdir()] == []
                raise EngineError("no")
                yield

        request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=shapes_of())
        with pytest.raises(EngineError, match="no"):
            run_removal(request, Failing(), RecordingMonitor())
        assert list((tmp_path / "out").iterdir()) == []

    def test_nothing_left_to_do(self, tmp_path: Path, files: ExitStack) -> None:
        (tmp_path / "out").mkdir()
        plate = write_plate(tmp_path)
        run_removal(
            make_request(files, plate, tmp_path / "out", shapes=shapes_of()),
            PaintingEngine(),
            RecordingMonitor(),
        )
        engine = PaintingEngine()
        again = make_request(files, plate, tmp_path / "out", shapes=shapes_of(), resume=True)
        run_removal(again, engine, RecordingMonitor())
        assert engine.asked == []

    def test_previews_are_small(self, tmp_path: Path, files: ExitStack) -> None:
        (tmp_path / "out").mkdir()
        monitor = RecordingMonitor()
        request = make_request(files, write_plate(tmp_path), tmp_path / "out", shapes=shapes_of())
        run_removal(request, PaintingEngine(), monitor)
        assert monitor.previews
        assert monitor.previews[0] == (FIRST, (HEIGHT, WIDTH, 3))
