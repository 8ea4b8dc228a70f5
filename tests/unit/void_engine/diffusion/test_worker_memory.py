"""The message for the artist when the device's memory ends, with the engine inside a real worker's run."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from void_engine.diffusion.engine import VoidEngine  # noqa: E402
from void_engine.diffusion.model.offload import LoadedModels  # noqa: E402
from void_engine.diffusion.run import VoidRun  # noqa: E402
from void_engine.engines.interface import EngineRequest  # noqa: E402
from void_protocol.job import Format, Matte, Output, RemovalJob, Shot  # noqa: E402
from void_protocol.job_file import encode_job  # noqa: E402
from void_protocol.messages import Message  # noqa: E402
from void_server.workers.worker import BrokerLink, run_one  # noqa: E402
from void_server.workers.worker_link import Finished, LogLine, Run  # noqa: E402

JOB = RemovalJob(
    shot=Shot(name="s", plate="/p.%04d.exr", first_frame=1, last_frame=2, format=Format(width=16, height=16)),
    mattes=[Matte(role="remove", pattern="/m.%04d.exr")],
    output=Output(pattern="/o.%04d.exr"),
)
OPTIONS = {"max_tokens": 6, "window_frames": 13, "overlap_frames": 8, "steps": 1}


class Link:
    def __init__(self) -> None:
        self.said: list[Message] = []
        self.monitor: Any = None

    def send(self, message: Message, payloads: Sequence[bytes] = ()) -> None:
        self.said.append(message)

    def stop_flag(self, job_id: str) -> threading.Event:
        return threading.Event()

    def forget(self, job_id: str) -> None:
        pass


@pytest.mark.slow
def test_the_next_memory_mode_is_tried_once_and_the_log_says_so(
    tiny_root: Path, shot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def hungry(self: VoidRun, models: LoadedModels) -> Any:
        tried.append(models.mode)
        raise torch.OutOfMemoryError("no")

    monkeypatch.setattr(VoidRun, "latents", hungry)

    def runner(job: RemovalJob, monitor: Any, *, resume: bool = False, wait_s: float = 0.0) -> None:
        request = EngineRequest(prompt="A lime falls on the table.", options=OPTIONS)
        next(VoidEngine(tiny_root).remove(shot, request, monitor))

    link = Link()
    run_one(runner, cast("BrokerLink", link), Run(job_id="j", resume=False), encode_job(JOB))
    assert tried == ["full", "model"]
    log = [message.text for message in link.said if isinstance(message, LogLine)]
    told = [line for line in log if "out of memory" in line]
    assert told == ["out of memory in mode 'full'; trying 'model'"]
    finished = link.said[-1]
    assert isinstance(finished, Finished)
    assert finished.outcome == "failed"
    assert finished.message.startswith("the device's memory is too small for mode 'model'; ")
