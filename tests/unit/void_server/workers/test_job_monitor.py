from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from void_engine.errors import RemovalCancelled
from void_engine.shares import Shares
from void_protocol.messages import Message, PreviewEvent, ProgressEvent
from void_server.workers import job_monitor
from void_server.workers.job_monitor import PREVIEW_PX, PROGRESS_S, WorkerMonitor, encode_preview
from void_server.workers.worker_link import FrameWhole, LogLine, StageOver

M = TypeVar("M", bound=Message)


class Heard:
    """Collects what a monitor sends."""

    def __init__(self) -> None:
        self.messages: list[tuple[Message, Sequence[bytes]]] = []
        self.stop = threading.Event()
        self.monitor = WorkerMonitor("job", self.send, self.stop)

    def send(self, message: Message, payloads: Sequence[bytes]) -> None:
        self.messages.append((message, payloads))

    def of(self, kind: type[M]) -> list[M]:
        return [message for message, _ in self.messages if isinstance(message, kind)]


def test_progress_is_thinned_but_each_stage_ends_whole() -> None:
    heard = Heard()
    for step in range(1, 1001):
        heard.monitor.progress("read", step, 1000, frame=1000 + step)
    heard.monitor.progress("write", 1, 2)
    heard.monitor.close()
    told = [event.progress for event in heard.of(ProgressEvent)]
    assert (told[0].stage, told[0].step, told[0].frame) == ("read", 1, 1001)
    assert [(each.stage, each.step) for each in told[-2:]] == [("read", 1000), ("write", 1)]
    assert len(told) < 50
    assert told[-2].eta_s == 0.0
    assert [stage.stage for stage in heard.of(StageOver)] == ["read", "write"]


def test_the_progress_tells_what_the_frames_consist_of_also_the_last_one() -> None:
    heard = Heard()
    heard.monitor.progress("propagate", 0, 2)
    heard.monitor.composed(Shares(0.5, 0.25, 0.25))
    heard.monitor.progress("propagate", 2, 2)
    heard.monitor.composed(Shares(0.2, 0.1, 0.7))
    heard.monitor.close()
    told = [event.progress for event in heard.of(ProgressEvent)]
    assert [each.invented for each in told] == [None, 0.25, 0.7]
    assert (told[-1].real, told[-1].guessed, told[-1].step) == (0.2, 0.1, 2)


def test_the_verdict_is_told_at_the_end_and_of_no_more_frames_than_fit() -> None:
    heard = Heard()
    heard.monitor.progress("check", 3, 3)
    heard.monitor.judged("gar" + "g" * 30_000)
    heard.monitor.close()
    told = [event.progress.verdict for event in heard.of(ProgressEvent)]
    assert told[0] == ""
    assert told[-1].startswith("garg")
    assert len(told[-1]) == 20_000


def test_what_is_left_is_estimated() -> None:
    heard = Heard()
    heard.monitor.progress("read", 0, 4)
    time.sleep(PROGRESS_S + 0.05)
    heard.monitor.progress("read", 1, 4)
    first, second = (event.progress for event in heard.of(ProgressEvent))
    assert first.eta_s is None
    assert second.eta_s == pytest.approx(3 * second.elapsed_s, abs=0.1)
    heard.monitor.close()


def test_stages_that_take_turns_have_clocks_of_their_own() -> None:
    heard = Heard()
    count = 8
    for step in range(1, count + 1):
        heard.monitor.progress("propagate", step, count, frame=step)
        time.sleep(0.03)
        heard.monitor.progress("frames", step, count, frame=step)
        time.sleep(0.03)
    heard.monitor.close()
    for stage in ("propagate", "frames"):
        told = [event.progress for event in heard.of(ProgressEvent) if event.progress.stage == stage]
        assert (told[0].step, told[-1].step) == (1, count)
        assert len(told) < count  # 60 ms apart, told at most every 100 ms
        assert (told[0].eta_s, told[-1].eta_s) == (None, 0.0)
        middle = told[1]
        assert middle.elapsed_s >= PROGRESS_S
        rate = middle.elapsed_s / (middle.step - 1)
        assert middle.eta_s == pytest.approx(rate * (count - middle.step), abs=0.06)
        times = [over.seconds for over in heard.of(StageOver) if over.stage == stage]
        assert sum(times) == pytest.approx(told[-1].elapsed_s, abs=0.001)
        assert sum(times) >= (count - 1) * 0.06
    assert {over.stage for over in heard.of(StageOver)} == {"propagate", "frames"}


def test_a_stage_that_stops_half_way_is_timed_to_its_last_progress() -> None:
    heard = Heard()
    heard.monitor.progress("read", 0, 100)
    time.sleep(0.05)
    heard.monitor.progress("read", 1, 100)  # not told, but counted
    time.sleep(0.2)
    heard.monitor.close()
    (over,) = heard.of(StageOver)
    assert 0.05 <= over.seconds < 0.2


def test_what_lies_between_two_rounds_of_a_stage_is_not_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(job_monitor.time, "monotonic", lambda: now[0])
    heard = Heard()
    for begins, stage, ends in ((0, "mattes", 2), (2, "fill", 32), (32, "mattes", 35)):
        for second, step in ((begins, 0), (ends, 4)):
            now[0] = 100.0 + second
            heard.monitor.progress(stage, step, 4)
    heard.monitor.close()
    seconds: dict[str, float] = {}
    for over in heard.of(StageOver):
        seconds[over.stage] = seconds.get(over.stage, 0.0) + over.seconds
    assert seconds == pytest.approx({"mattes": 5.0, "fill": 30.0})


def test_a_stop_is_noticed_at_every_call() -> None:
    heard = Heard()
    heard.monitor.check_cancelled()
    heard.stop.set()
    with pytest.raises(RemovalCancelled):
        heard.monitor.check_cancelled()
    with pytest.raises(RemovalCancelled):
        heard.monitor.progress("read", 1, 2)
    heard.monitor.close()


def test_frames_are_told_with_their_checksums_before_close_returns(tmp_path: Path) -> None:
    heard = Heard()
    for number in range(20):
        path = tmp_path / f"{number}.exr"
        path.write_bytes(bytes([number]) * 100_000)
        heard.monitor.frame_done(number, path)
    heard.monitor.log("a line")
    heard.monitor.close()
    frames = heard.of(FrameWhole)
    assert [(frame.frame, frame.size) for frame in frames] == [(number, 100_000) for number in range(20)]
    assert frames[7].sha256 == hashlib.sha256(bytes([7]) * 100_000).hexdigest()
    assert [line.text for line in heard.of(LogLine)] == ["a line"]


def test_a_frame_that_vanished_is_an_error(tmp_path: Path) -> None:
    heard = Heard()
    heard.monitor.frame_done(1, tmp_path / "none.exr")
    with pytest.raises(FileNotFoundError):
        heard.monitor.close()


def test_previews_are_small_and_rare() -> None:
    heard = Heard()
    picture = np.full((1000, 2000, 3), 0.25, np.float32)
    for _ in range(5):
        heard.monitor.preview(7, picture)
    ((event, (pixels,)),) = heard.messages
    assert isinstance(event, PreviewEvent)
    assert (event.frame, event.width, event.height) == (7, 400, 200)
    assert len(pixels) == 400 * 200 * 3
    heard.monitor.close()


def test_previews_are_srgb_and_survive_anything() -> None:
    values = [0.0, 0.002, 0.18, 1.0, 20.0, -1.0, np.nan, np.inf, -np.inf]
    picture = np.repeat(np.array(values, np.float32)[None, :, None], 3, axis=2)
    # By IEC 61966-2-1: 12.92 * 0.002 * 255 = 6.6; 0.18 is encoded as 0.4614.
    assert encode_preview(picture)[0, :, 0].tolist() == [0, 7, 118, 255, 255, 0, 0, 255, 0]
    assert max(encode_preview(np.zeros((5, 4096, 3), np.float32)).shape) <= PREVIEW_PX
