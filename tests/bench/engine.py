"""Measures what the VOID engine costs beyond its models, all in one run on the CPU.

    python tests/bench/engine.py [--frames 21] [--memory 85 197 400] [--plot docs/pictures/engine_memory.png]

It prints ratios against bare calls of the same modules in the same run, and the peak memory of runs of
several lengths.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from void_engine.arrays import Float32Array
from void_engine.diffusion.engine import VoidEngine
from void_engine.diffusion.framing import latent_frames
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.live_memory import peak_bytes
from void_engine.diffusion.model.tiny import TINY, ModelSize, make_tiny
from void_engine.diffusion.model.vae import decode_latents
from void_engine.diffusion.model.weights import load_transformer, load_vae, transformer_config
from void_engine.diffusion.sampling.denoise import predict_velocity
from void_engine.engines.interface import EngineRequest, ShotFrame
from void_engine.quadmask import build_quadmask

MIDDLE = ModelSize(
    layers=6, heads=8, text_width=64, time_width=64, vae_channels=(16, 32, 32, 64), vae_groups=8
)
HEIGHT, WIDTH = 96, 160
# The size for the memory runs is small, because a whole shot of 400 frames has to be computed.
MEMORY_HEIGHT, MEMORY_WIDTH = 48, 80


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
    """A monitor that adds up processor time by stage, which a busy machine does not change."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._stage, self._since = "", time.process_time()

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        now = time.process_time()
        self.seconds[self._stage] += now - self._since
        self._stage, self._since = stage, now

    def preview(self, frame: int, picture: Float32Array) -> None: ...

    def log(self, message: str) -> None: ...

    def check_cancelled(self) -> None: ...


@contextmanager
def timed(modules: dict[str, Any]) -> Iterator[dict[str, float]]:
    """Within this context, measure the seconds of processor time in the forward calls of modules."""
    spent: dict[str, float] = defaultdict(float)
    handles, begun = [], {}

    def begin(name: str) -> Callable[..., None]:
        return lambda *_: begun.__setitem__(name, time.process_time())

    def end(name: str) -> Callable[..., None]:
        def add(*_: Any) -> None:
            spent[name] += time.process_time() - begun[name]

        return add

    for name, module in modules.items():
        handles.append(module.register_forward_pre_hook(begin(name)))
        handles.append(module.register_forward_hook(end(name)))
    try:
        yield spent
    finally:
        for handle in handles:
            handle.remove()


def options(frames: int, **more: Any) -> dict[str, Any]:
    return {"checkpoint_every": 0, "max_tokens": 60, "window_frames": min(85, frames), **more}


def whole_run(root: Path, frames: int, steps: int) -> None:
    """Run one removal with a mid-size model, and print where its time goes."""
    engine = VoidEngine(root)
    request = EngineRequest(prompt="A table.", options=options(frames, steps=steps, overlap_frames=0))
    once = EngineRequest(prompt="A table.", options={**request.options, "steps": 1})
    list(engine.remove(Shot(frames), once, StageClock()))
    models = engine._models
    assert models is not None
    denoiser, vae = models.denoiser(1), models.vae()
    clock = StageClock()
    with timed({"denoiser": denoiser, "encoder": vae.encoder, "decoder": vae.decoder}) as spent:
        begun = time.process_time()
        list(engine.remove(Shot(frames), request, clock))
        total = time.process_time() - begun
    inside = sum(spent.values())
    steps_s = clock.seconds["denoising"]
    print(f"whole run                    {total:8.2f} s for {frames} frames and {steps} steps")
    print(f"denoising / denoiser calls   {steps_s / spent['denoiser']:8.3f}   (aim: below 1.03)")
    print(f"outside denoiser and VAE     {100 * (1 - inside / total):8.2f} % (aim: below 3)")


def ratio(ours: Callable[[], Any], theirs: Callable[[], Any], times: int = 5) -> float:
    """The processor time of one piece of work over that of another, measured in turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for _ in range(times):
            for work, spent in zip((ours, theirs), seconds, strict=True):
                begun = time.process_time()
                work()
                spent.append(time.process_time() - begun)
    return min(seconds[0]) / min(seconds[1])


def decoding(root: Path) -> None:
    """Compare our decoder with vae.decode, for a number of latents at which both give the same frames."""
    vae = load_vae(ModelFolder(root).vae)
    code = torch.randn(1, 16, 5, HEIGHT // 8, WIDTH // 8)
    cost = ratio(lambda: [None for _ in decode_latents(vae, code)], lambda: vae.decode(code))
    print(f"decode / vae.decode          {cost:8.3f}   (aim: below 1.05), 17 frames")


def step_over_bare(root: Path) -> None:
    """Compare the loop's work for one window with the bare call of the denoiser."""
    from void_engine.diffusion.model.tiny import SCHEDULER_SETTINGS
    from void_engine.diffusion.sampling.denoise import DenoiseInputs, DenoisePlan, Denoiser, denoise
    from void_engine.diffusion.sampling.schedule import NoiseSchedule
    from void_engine.diffusion.sampling.windows import Window

    folder = ModelFolder(root)
    denoiser = load_transformer(transformer_config(folder.base), folder.pass_weights(1))
    latents = torch.randn(1, 6, 16, HEIGHT // 8, WIDTH // 8)
    condition = torch.randn(1, 6, 32, HEIGHT // 8, WIDTH // 8)
    text = torch.randn(1, 226, MIDDLE.text_width)
    schedule = NoiseSchedule.from_config("DDIMScheduler", SCHEDULER_SETTINGS, 4, exact_transitions=True)
    plan = DenoisePlan(schedule, [Window(0, 6)])
    inputs = DenoiseInputs(latents, condition, [text])
    time_999 = torch.tensor([999])
    cost = ratio(
        lambda: denoise(Denoiser(denoiser), plan, inputs),
        lambda: [predict_velocity(denoiser, latents, condition, text, time_999) for _ in range(4)],
    )
    print(f"4 steps / 4 bare calls       {cost:8.3f}   (aim: below 1.03)")


@dataclass(frozen=True, slots=True)
class Peak:
    """The memory of a run of one length, in MiB."""

    frames: int
    run: float
    """The most that tensors took at one time, models left out."""
    latents: float
    """The memory that the latents of that many frames take."""


def memory(lengths: list[int], plot: Path | None) -> None:
    """Measure the peak memory of whole runs in live tensors, operator by operator as the planner does.

    Resident memory says less, because the allocator keeps freed memory, in holes that differ from run to run.
    """
    print(f"peak memory of a whole run (random tiny model, canvas {MEMORY_WIDTH}x{MEMORY_HEIGHT}):")
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        engine = VoidEngine(make_tiny(Path(folder) / "models", size=TINY).root)

        def work(frames: int, window: int, overlap: int) -> float:
            settings = {"max_tokens": 15, "steps": 1, "overlap_frames": overlap}
            request = EngineRequest(prompt="A.", options={**options(window), **settings})
            shot = Shot(frames, MEMORY_HEIGHT, MEMORY_WIDTH)
            return peak_bytes(lambda: deque(engine.remove(shot, request, StageClock()), maxlen=0)) / 2**20

        work(5, 5, 0)  # This loads the models.
        for frames in lengths:
            # The latents of plate, matte and noise have 16 channels each, and the condition has 32.
            latents = latent_frames(frames) * (MEMORY_HEIGHT // 8) * (MEMORY_WIDTH // 8) * 80 * 4 / 2**20
            peaks.append(Peak(frames, work(frames, 85, 16), latents))
            at = peaks[-1]
            beyond = at.run - at.latents
            bar = "#" * round(40 * beyond / (peaks[0].run - peaks[0].latents))
            print(
                f"  {frames:4d} frames {at.run:7.2f} MiB, {latents:.2f} of latents, {beyond:.2f} beyond {bar}"
            )
    if plot is not None:
        draw(peaks, plot)


def draw(peaks: list[Peak], path: Path) -> None:
    """Draw the plot of docs/engine.md: memory over length, with and without the latents."""
    width, height, left, bottom, top, right = 560, 300, 60, 44, 30, 130
    canvas = np.full((height, width, 3), 255, np.uint8)
    longest = max(peak.frames for peak in peaks)
    most = math.ceil(max(peak.run for peak in peaks) / 8) * 8

    def at(frames: float, mib: float) -> tuple[int, int]:
        x = left + (width - left - right) * frames / longest
        return round(x), round(height - bottom - (height - top - bottom) * mib / most)

    def write(text: str, x: int, y: int, colour: tuple[int, int, int] = (60, 60, 60)) -> None:
        cv2.putText(canvas, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)

    for mib in range(0, most + 1, most // 4):
        cv2.line(canvas, at(0, mib), at(longest, mib), (225, 225, 225), 1)
        write(str(mib), left - 38, at(0, mib)[1] + 4)
    write("MiB", left - 38, top - 12)
    for peak in peaks:
        write(str(peak.frames), at(peak.frames, 0)[0] - 10, height - bottom + 18)
    write("frames", at(longest, 0)[0] + 22, height - bottom + 18)
    beyond = [(peak.frames, peak.run - peak.latents) for peak in peaks]
    whole = [(peak.frames, peak.run) for peak in peaks]
    for points, colour in ((whole, (190, 130, 60)), (beyond, (60, 110, 210))):
        corners = np.array([at(*point) for point in points], np.int32)
        cv2.polylines(canvas, [corners], False, colour, 2, cv2.LINE_AA)
        for corner in corners:
            cv2.circle(canvas, [int(side) for side in corner], 4, colour, -1, cv2.LINE_AA)
    end = at(longest, whole[-1][1])
    write("whole run", end[0] + 10, end[1] - 4, (190, 130, 60))
    end = at(longest, beyond[-1][1])
    write("beyond latents", end[0] + 10, end[1] + 14, (60, 110, 210))
    cv2.imwrite(str(path), canvas)


def timing(frames: int, steps: int) -> None:
    """Run all measurements of time, on the mid-size model."""
    with tempfile.TemporaryDirectory() as folder:
        root = make_tiny(Path(folder) / "models", size=MIDDLE).root
        step_over_bare(root)
        decoding(root)
        whole_run(root, frames, steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=21)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--memory", type=int, nargs="*", default=[85, 197, 400])
    parser.add_argument("--only-memory", action="store_true", help="Leave out what takes time to measure.")
    parser.add_argument("--plot", type=Path, help="Draw the memory over the length into this PNG file.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["VOID_CACHE"] = cache
        torch.set_num_threads(1)
        if not arguments.only_memory:
            timing(arguments.frames, arguments.steps)
        if arguments.memory:
            memory(arguments.memory, arguments.plot)


if __name__ == "__main__":
    main()
