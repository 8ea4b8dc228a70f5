"""What the VOID engine costs beyond its models, all in one run on the CPU.

    python tests/bench/engine.py [--frames 21] [--memory 85 197 400]

Prints ratios against bare calls of the same modules in the same run, and the peak memory of runs of several
lengths.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from void_engine.diffusion.denoise import predict_velocity
from void_engine.diffusion.engine import VoidEngine
from void_engine.diffusion.layout import ModelFolder
from void_engine.diffusion.tiny import MIDDLE, TINY, make_tiny
from void_engine.diffusion.vae import decode_latents
from void_engine.diffusion.weights import load_transformer, load_vae, transformer_config
from void_engine.engines.interface import EngineRequest, Float32Array, ShotFrame
from void_engine.quadmask import build_quadmask

HEIGHT, WIDTH = 96, 160


class Shot:
    """A panning texture with a square matte."""

    pixel_aspect = 1.0

    def __init__(self, frames: int, height: int = HEIGHT, width: int = WIDTH) -> None:
        self.frame_numbers = range(1, frames + 1)
        self.height, self.width = height, width
        self._wide = np.random.default_rng(1).uniform(0, 1, (height, width, 3)).astype(np.float32)
        self._nothing = np.zeros((height, width), np.float32)
        self._matte = self._nothing.copy()
        self._matte[height // 3 : height // 2, width // 3 : width // 2] = 1

    def frame(self, number: int) -> ShotFrame:
        plate = np.roll(self._wide, number, axis=1)
        quadmask = build_quadmask(self._matte, self._nothing, is_first_frame=number == 1)
        return ShotFrame(number, plate, self._matte, self._nothing, self._matte, quadmask)

    def anchor(self, number: int) -> Float32Array | None:
        return None


class StageClock:
    """A monitor that adds up the time between its calls by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._stage, self._since = "", time.perf_counter()

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        now = time.perf_counter()
        self.seconds[self._stage] += now - self._since
        self._stage, self._since = stage, now

    def preview(self, frame: int, picture: Float32Array) -> None: ...

    def log(self, message: str) -> None: ...

    def check_cancelled(self) -> None: ...


@contextmanager
def timed(modules: dict[str, Any]) -> Iterator[dict[str, float]]:
    """Seconds spent in the forward calls of modules."""
    spent: dict[str, float] = defaultdict(float)
    handles, begun = [], {}

    def begin(name: str) -> Callable[..., None]:
        return lambda *_: begun.__setitem__(name, time.perf_counter())

    def end(name: str) -> Callable[..., None]:
        def add(*_: Any) -> None:
            spent[name] += time.perf_counter() - begun[name]

        return add

    for name, module in modules.items():
        handles.append(module.register_forward_pre_hook(begin(name)))
        handles.append(module.register_forward_hook(end(name)))
    try:
        yield spent
    finally:
        for handle in handles:
            handle.remove()


def options(root: Path, frames: int, **more: Any) -> dict[str, Any]:
    return {"models": str(root), "max_tokens": 60, "window_frames": min(85, frames), **more}


def whole_run(root: Path, frames: int, steps: int) -> None:
    """One removal with a mid-size model: where its time goes."""
    engine = VoidEngine()
    request = EngineRequest(prompt="A table.", options=options(root, frames, steps=steps, overlap_frames=0))
    once = EngineRequest(prompt="A table.", options={**request.options, "steps": 1})
    list(engine.remove(Shot(frames), once, StageClock()))
    models = engine._models
    assert models is not None
    denoiser, vae = models.denoiser(1), models.vae()
    clock = StageClock()
    with timed({"denoiser": denoiser, "encoder": vae.encoder, "decoder": vae.decoder}) as spent:
        begun = time.perf_counter()
        list(engine.remove(Shot(frames), request, clock))
        total = time.perf_counter() - begun
    inside = sum(spent.values())
    steps_s = clock.seconds["denoising"]
    print(f"whole run                    {total:8.2f} s for {frames} frames and {steps} steps")
    print(f"denoising / denoiser calls   {steps_s / spent['denoiser']:8.3f}   (aim: below 1.03)")
    print(f"outside denoiser and VAE     {100 * (1 - inside / total):8.2f} % (aim: below 3)")


def ratio(ours: Callable[[], Any], theirs: Callable[[], Any], times: int = 5) -> float:
    """Processor time of one piece of work over another's, taken in turns which a busy machine slows alike."""
    seconds: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for _ in range(times):
            for work, spent in zip((ours, theirs), seconds, strict=True):
                begun = time.process_time()
                work()
                spent.append(time.process_time() - begun)
    return min(seconds[0]) / min(seconds[1])


def decoding(root: Path) -> None:
    """Our decoder's groups against vae.decode, for a number of latents where both give the same frames."""
    vae = load_vae(ModelFolder(root).vae)
    code = torch.randn(1, 16, 5, HEIGHT // 8, WIDTH // 8)
    cost = ratio(lambda: [None for _ in decode_latents(vae, code)], lambda: vae.decode(code))
    print(f"decode / vae.decode          {cost:8.3f}   (aim: below 1.05), 17 frames")


def step_over_bare(root: Path) -> None:
    """The loop's work for one window around the denoiser's bare call."""
    from void_engine.diffusion.denoise import denoise
    from void_engine.diffusion.schedule import Schedule
    from void_engine.diffusion.tiny import SCHEDULER_SETTINGS
    from void_engine.diffusion.windows import Window

    folder = ModelFolder(root)
    denoiser = load_transformer(transformer_config(folder.base), folder.pass_weights(1))
    latents = torch.randn(1, 6, 16, HEIGHT // 8, WIDTH // 8)
    condition = torch.randn(1, 6, 32, HEIGHT // 8, WIDTH // 8)
    text = torch.randn(1, 226, MIDDLE.text_width)
    plan = Schedule.from_config("DDIMScheduler", SCHEDULER_SETTINGS, 4, exact_transitions=True)
    time_999 = torch.tensor([999])
    cost = ratio(
        lambda: denoise(denoiser, plan, latents, condition, text, [Window(0, 6)]),
        lambda: [predict_velocity(denoiser, latents, condition, text, time_999) for _ in range(4)],
    )
    print(f"4 steps / 4 bare calls       {cost:8.3f}   (aim: below 1.03)")


def memory(lengths: list[int]) -> None:
    """Peak resident memory of whole runs in processes of their own."""
    print("peak memory of a whole run (random tiny model, canvas 160x96):")
    first = 0.0
    for frames in lengths:
        done = subprocess.run(
            [sys.executable, __file__, "--one-run", str(frames)], check=True, capture_output=True, text=True
        )
        before, peak, latents = (float(word) for word in done.stdout.split()[-3:])
        first = first or peak - before - latents
        beyond = peak - before - latents
        print(f"  {frames:4d} frames {peak:8.1f} MiB, {before:.1f} before the run, {latents:.1f} of latents; "
              f"rest {beyond:6.1f} {'#' * round(40 * beyond / first)}")  # fmt: skip


def one_run(frames: int) -> None:
    """The child of :func:`memory`: prints MiB before, at the peak and of latents."""
    with tempfile.TemporaryDirectory() as folder:
        root = make_tiny(Path(folder) / "models", size=TINY).root
        warm = VoidEngine()
        short = EngineRequest(prompt="A.", options=options(root, 5, steps=1, overlap_frames=0))
        list(warm.remove(Shot(5), short, StageClock()))
        before = resident()
        more = {"steps": 1, "window_frames": 85, "overlap_frames": 16}
        for _ in warm.remove(
            Shot(frames), EngineRequest(prompt="A.", options=options(root, 85, **more)), StageClock()
        ):
            pass
        latents = (frames / 4) * (HEIGHT // 8) * (WIDTH // 8) * 112 * 4 / 2**20
        print(before, resident(), latents)


def resident() -> float:
    """Peak resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=21)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--memory", type=int, nargs="*", default=[85, 197, 400])
    parser.add_argument("--one-run", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["VOID_CACHE"] = cache
        torch.set_num_threads(1)
        if arguments.one_run:
            one_run(arguments.one_run)
            return
        with tempfile.TemporaryDirectory() as folder:
            root = make_tiny(Path(folder) / "models", size=MIDDLE).root
            step_over_bare(root)
            decoding(root)
            whole_run(root, arguments.frames, arguments.steps)
        memory(arguments.memory)


if __name__ == "__main__":
    main()
