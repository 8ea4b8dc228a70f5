"""Work in other processes: those that share the device, and those that get less of it."""

from __future__ import annotations

import multiprocessing
import os
import queue
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from tests.bench.engine import Shot
from tests.bench.gpu.rig import PROMPT, Recorder, Rig, Row
from void_engine.diffusion.engine import VoidEngine
from void_engine.diffusion.errors import DeviceError
from void_engine.diffusion.sampling.distributed import joined_processes
from void_engine.engines.interface import EngineRequest

_PATIENCE_S = 600.0


def _carry_out(answers: Any, index: int, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    try:
        answers.put((index, work(*arguments)))
    except BaseException as error:
        answers.put((index, f"failed: {type(error).__name__}: {error}"))
        raise


def together(work: Callable[..., Any], several: list[tuple[Any, ...]]) -> list[Any]:
    """Call ``work`` with each of the arguments in a process of its own, all at the same time."""
    # A process that has used CUDA cannot be forked, so each begins anew.
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    processes = [
        context.Process(target=_carry_out, args=(answers, index, work, arguments))
        for index, arguments in enumerate(several)
    ]
    for process in processes:
        process.start()
    given: dict[int, Any] = {}
    try:
        for _ in processes:
            index, answer = answers.get(timeout=_PATIENCE_S)
            given[index] = answer
    except queue.Empty:
        pass
    for process in processes:
        process.join(30)
        if process.is_alive():
            process.kill()
    return [given.get(index, "gave no answer") for index in range(len(processes))]


def in_child(work: Callable[..., Any], *arguments: Any) -> Any:
    """Call ``work`` in another process."""
    return together(work, [arguments])[0]


def small_removal(rig: Rig, seed: int = 1) -> list[int]:
    """Make a removal of the tiny model on the rig's device, and give the sums of its frames' bits."""
    engine = VoidEngine(rig.tiny.root)
    request = EngineRequest(
        prompt=PROMPT, seed=seed,
        options={
            "device": str(rig.device), "checkpoint_every": 0, "steps": 2, "max_tokens": 6,
            "window_frames": 5, "overlap_frames": 0,
        },
    )  # fmt: skip
    frames = [frame.picture for frame in engine.remove(Shot(5, 32, 48), request, Recorder())]
    engine.release()
    return [int(np.ascontiguousarray(frame).view(np.uint32).sum(dtype=np.uint64)) for frame in frames]


@contextmanager
def _one_of(processes: int, rank: int) -> Iterator[None]:
    """Within this context the environment is that of process ``rank`` of those that ``torchrun`` started."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    before = dict(os.environ)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(processes), "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def one_too_many(rig: Rig) -> str:
    """Join as the process of ``torchrun`` for which no CUDA device is left, and say how that ended."""
    devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    with _one_of(devices + 1, devices):
        try:
            with joined_processes("cuda"):
                return "joined"
        except DeviceError as error:
            return f"refused: {error}"


def sharing(rig: Rig) -> Iterator[Row]:
    """Two workers on one device share it, as the server offers; two processes of one shot do not."""
    alone = small_removal(rig)
    # Processes on a CPU do not meet, so one shows as much as two.
    several = [(rig,)] * (2 if rig.on_gpu else 1)
    answers = together(small_removal, several)
    same = answers == [alone] * len(several)
    figure = "both done, the same bits" if same else f"{answers}, alone {alone}"
    yield Row("two processes on one device", figure, "both done, the same bits", same)
    outcome = one_too_many(rig)
    yield Row("torchrun with a process more than devices", outcome, "refused", outcome.startswith("refused"))
