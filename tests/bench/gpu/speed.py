"""How long the engine takes beside bare calls of its networks, and how much of the chip it uses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.bench.gpu.random_models import drawn_on, filled
from tests.bench.gpu.rig import Rig, Row, clock, gib
from void_engine.diffusion.model.offload import LoadedModels
from void_engine.diffusion.model.step_cache import MagnitudeMeter, plan_step_cache, write_magnitudes
from void_engine.diffusion.model.tiny import SCHEDULER_SETTINGS
from void_engine.diffusion.model.vae import decode_latents, encode_frames
from void_engine.diffusion.model.weights import build_transformer, build_vae, read_json, transformer_config
from void_engine.diffusion.sampling.denoise import (
    DenoiseInputs,
    DenoisePlan,
    Denoiser,
    denoise,
    predict_velocity,
)
from void_engine.diffusion.sampling.schedule import NoiseSchedule
from void_engine.diffusion.sampling.windows import Window

# Dense bfloat16 TFLOP/s with float32 sums, as the makers' data sheets say, by a part of the device's name.
# The first that fits counts.
_PEAKS = {
    "H200": 989, "GH200": 989, "H100 PCIe": 756, "H100 NVL": 835, "H100": 989, "H800": 989, "B200": 2250,
    "GB200": 2500, "A100": 312, "A800": 312, "L40S": 362, "L40": 181, "L4": 121, "RTX 6000 Ada": 364,
    "RTX 5090": 210, "RTX 4090": 165, "RTX 4080": 97, "RTX 3090": 71, "A6000": 155, "A40": 150, "A10G": 70,
    "A10": 125,
}  # fmt: skip
_BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "cuDNN": SDPBackend.CUDNN_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "math": SDPBackend.MATH,
}
_MATRIX = 8192
_SMALL_MATRIX = 512


def chip_peak(name: str) -> int | None:
    """The dense bfloat16 TFLOP/s of a device by its name; None where the table does not have it."""
    return next((peak for part, peak in _PEAKS.items() if part in name), None)


def one_call(rig: Rig, model: Any) -> Callable[[], torch.Tensor]:
    """A bare call of the denoiser on one window."""
    latents, condition, text = rig.inputs(rig.dtype)
    times = torch.tensor([700], device=rig.device)
    return lambda: predict_velocity(model, latents, condition, text, times)


def some_steps(rig: Rig, model: Any, steps: int) -> Callable[[], torch.Tensor]:
    """The engine's loop over ``steps`` steps of one window, whose latents lie on the CPU as in a removal."""
    latents, condition, text = (tensor.float().cpu() for tensor in rig.inputs(rig.dtype))
    schedule = NoiseSchedule.from_config("DDIMScheduler", SCHEDULER_SETTINGS, steps, exact_transitions=True)
    plan = DenoisePlan(schedule, [Window(0, rig.latents)])
    denoiser = Denoiser(model, rig.device, rig.dtype)
    inputs = DenoiseInputs(latents, condition, [text])
    return lambda: denoise(denoiser, plan, inputs)


def denoiser_on(rig: Rig) -> Any:
    model = filled(build_transformer(transformer_config(rig.folder.base)), 1, rig.dtype, rig.device)
    return model.to(rig.device)


def step(rig: Rig) -> Iterator[Row]:
    """A denoising step against a bare call, and the call against the chip, with each attention backend."""
    model = denoiser_on(rig)
    call = one_call(rig, model)
    bare = rig.seconds(call)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        call()
    work = counter.get_total_flops()
    rows, columns = rig.scale.canvas
    yield Row(
        f"a bare call, {columns}x{rows}, {rig.scale.window} frames", f"{clock(bare)}, {work / 1e12:.3g} TFLOP"
    )
    steps = rig.scale.steps
    ours = rig.seconds(some_steps(rig, model, steps), times=1) / steps
    yield Row(
        f"a step of {steps} in the engine's loop over the bare call", f"{ours / bare:.3f}", "below 1.03",
        ours / bare < 1.03 if rig.on_gpu else None,
    )  # fmt: skip
    yield from shares(rig, work / bare / 1e12)
    for name, backend in _BACKENDS.items():
        try:
            with sdpa_kernel(backend):
                taken = rig.seconds(call)
        except RuntimeError as error:
            yield Row(f"attention backend {name}", f"not there: {str(error).splitlines()[0]}")
            continue
        yield Row(f"attention backend {name}", f"{clock(taken)}, {taken / bare:.3f} of the call above")


def shares(rig: Rig, reached: float) -> Iterator[Row]:
    """The TFLOP/s of the call beside those of a large product of matrices and of the data sheet."""
    side = _MATRIX if rig.on_gpu else _SMALL_MATRIX
    one = torch.randn(side, side, device=rig.device, dtype=rig.dtype)
    best = 2 * side**3 / rig.seconds(lambda: one @ one) / 1e12
    yield Row(
        f"share of a product of {side} x {side} matrices", f"{reached / best:.1%} of {best:.3g} TFLOP/s"
    )
    name = torch.cuda.get_device_name(rig.device) if rig.on_gpu else "the CPU"
    peak = chip_peak(name) if rig.on_gpu else None
    if peak is None:
        yield Row(
            "share of the chip's dense bfloat16",
            f"{name} is not in the table of data sheets",
            "50 % and more",
        )
        return
    yield Row(
        "share of the chip's dense bfloat16", f"{reached / peak:.1%} of {peak} TFLOP/s", "50 % and more",
        reached / peak >= 0.5,
    )  # fmt: skip


def compiled(rig: Rig) -> Iterator[Row]:
    """What ``compile`` costs before the first call and saves in the next, with each attention backend."""
    model = denoiser_on(rig)
    call = one_call(rig, model)
    plain = rig.seconds(call)
    with torch.inference_mode():
        before = call().float()
    # Without a GPU there is one backend.
    backends = _BACKENDS if rig.on_gpu else {}
    for name, backend in {"as chosen": None, **backends}.items():
        torch.compiler.reset()
        # Without a GPU the graph is only traced: code for a CPU would take a compiler and minutes.
        model.compile(backend="inductor" if rig.on_gpu else "eager")
        try:
            with nullcontext() if backend is None else sdpa_kernel(backend):
                begun = time.perf_counter()
                with torch.inference_mode():
                    difference = float((call().float() - before).abs().max())
                first = time.perf_counter() - begun
                later = rig.seconds(call)
        except RuntimeError as error:
            yield Row(f"compiled, attention {name}", f"not there: {str(error).splitlines()[0]}")
            continue
        yield Row(
            f"compiled, attention {name}: a call", f"{clock(later)}, {later / plain:.3f} of the plain one",
            "below 1", later < plain if rig.on_gpu and backend is None else None,
        )  # fmt: skip
        yield Row(
            f"compiled, attention {name}: first call, difference", f"{clock(first)}, {difference:.1e}",
            "finite", difference < float("inf"),
        )  # fmt: skip
    torch.compiler.reset()


def coding(rig: Rig) -> Iterator[Row]:
    """Encoding and decoding per frame, whole and in tiles."""
    vae = filled(build_vae(read_json(rig.folder.vae / "config.json")), 3, rig.dtype, rig.device).to(
        rig.device
    )
    height, width = rig.scale.canvas
    frames = 17
    pixels = torch.rand(1, 3, frames, height, width) * 2 - 1
    where: dict[str, Any] = {"device": rig.device, "dtype": rig.dtype}

    def encode(tiles: int) -> torch.Tensor:
        return encode_frames(vae, lambda start, stop: pixels[:, :, start:stop], frames, tiles=tiles, **where)

    code = encode(1)

    def decode(tiles: int) -> torch.Tensor:
        return torch.cat(
            [group.float().cpu() for group in decode_latents(vae, code, tiles=tiles, **where)], dim=2
        )

    times = max(1, rig.scale.times // 2)
    for name, work in (("encode", encode), ("decode", decode)):
        whole = rig.seconds(lambda work=work: work(1), times) / frames  # type: ignore[misc]
        yield Row(f"{name} a frame", clock(whole))
        for tiles in (2, 4):
            taken = rig.seconds(lambda work=work, tiles=tiles: work(tiles), times) / frames  # type: ignore[misc]
            yield Row(
                f"{name} a frame, {tiles} tiles a side", f"{clock(taken)}, {taken / whole:.2f} of the whole"
            )


@contextmanager
def loaded(rig: Rig, mode: str) -> Iterator[LoadedModels]:
    """Models in a memory mode, whose weights are drawn; they are released at the end of the context."""
    models = LoadedModels(rig.folder, rig.device, rig.dtype, mode, compiled=False)
    with drawn_on(rig.device):
        try:
            yield models
        finally:
            models.release()
            rig.clear()


def streaming(rig: Rig) -> Iterator[Row]:
    """The seconds that streaming the blocks loses, and what eight-bit weights cost and change."""
    taken: dict[str, float] = {}
    answers: dict[str, torch.Tensor] = {}
    held: dict[str, int] = {}
    for mode in ("model", "group", "fp8"):
        with loaded(rig, mode) as models:
            call = one_call(rig, models.denoiser(1))
            held[mode] = torch.cuda.memory_allocated(rig.device) if rig.on_gpu else 0
            taken[mode] = rig.seconds(call)
            with torch.inference_mode():
                answers[mode] = call().float().cpu()
    lost = taken["group"] - taken["model"]
    yield Row(
        "blocks streamed (group): a call", f"{clock(taken['group'])}, {clock(max(lost, 0.0))} lost a step"
    )
    same = torch.equal(answers["group"], answers["model"])
    yield Row("blocks streamed: the answer", "equal" if same else "differs", "equal", same)
    error = float((answers["fp8"] - answers["model"]).norm() / answers["model"].norm())
    yield Row("fp8: a call", f"{clock(taken['fp8'])}, {taken['fp8'] / taken['model']:.2f} of 16 bits")
    yield Row("fp8: relative difference of the answer", f"{error:.3f}", "below 0.1", error < 0.1)
    if rig.on_gpu:
        yield Row(
            "memory held before a call", ", ".join(f"{mode} {gib(count)}" for mode, count in held.items())
        )


def caches(rig: Rig) -> Iterator[Row]:
    """What each step cache saves, and how far the latents go from those of all steps."""
    steps = rig.scale.steps
    with loaded(rig, "model") as models:
        model = models.denoiser(1)
        meter = MagnitudeMeter(model)
        work = some_steps(rig, model, steps)
        with torch.inference_mode():
            exact = _measured(model, work, meter)
        meter.stop()
        write_magnitudes(rig.folder, {1: meter.ratios})
        plain = rig.seconds(work, times=1)
        for method in ("first-block", "taylor", "mag"):
            for speed in ("fast", "draft"):
                cache = plan_step_cache(rig.folder, 1, steps, speed=speed, method=method)
                # A cache is empty once, so one run tells its time, its calls and its answer.
                model = models.denoiser(1, cache)
                counted = _counted(model)
                rig.synchronise()
                begun = time.perf_counter()
                with torch.inference_mode():
                    given = some_steps(rig, model, steps)()
                rig.synchronise()
                taken = time.perf_counter() - begun
                error = float((given - exact).norm() / exact.norm())
                yield Row(
                    f"step cache {method}, {speed}",
                    f"{plain / taken:.2f} times as fast, last block {counted()} of {steps}, off {error:.3f}",
                    "finite", error < float("inf"),
                )  # fmt: skip


def _measured(model: Any, work: Callable[[], torch.Tensor], meter: MagnitudeMeter) -> torch.Tensor:
    """Run all steps once, with the meter told where each ends: a step of one window is one call."""
    handle = model.register_forward_hook(lambda *_: meter.step_done())
    try:
        return work()
    finally:
        handle.remove()


def _counted(model: Any) -> Callable[[], int]:
    """Count calls of the last block's attention, until the count is asked for."""
    calls: list[None] = []
    handle = model.transformer_blocks[-1].attn1.register_forward_hook(lambda *_: calls.append(None))

    def asked() -> int:
        handle.remove()
        return len(calls)

    return asked
