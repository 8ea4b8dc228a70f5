from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from void_engine.diffusion.device import pick_device, precisions  # noqa: E402
from void_engine.diffusion.errors import DeviceError  # noqa: E402
from void_engine.diffusion.model.folder import ModelFolder  # noqa: E402
from void_engine.diffusion.model.offload import ActivationWatch, LoadedModels, PrecisionOverflow, cancellable  # noqa: E402
from void_engine.diffusion.sampling.denoise import DenoiseInputs, Denoiser, guided_velocity  # noqa: E402
from void_engine.errors import RemovalCancelled  # noqa: E402

CPU = torch.device("cpu")


def loaded(root: Path, mode: str = "full") -> LoadedModels:
    return LoadedModels(ModelFolder(root), CPU, torch.float32, mode, False)


def velocity(denoiser: Any, time: int = 999, seed: int = 1, *, batched: bool = True) -> Any:
    draw = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        inputs = DenoiseInputs(
            torch.randn(1, 4, 16, 4, 6, generator=draw),
            torch.randn(1, 4, 32, 4, 6, generator=draw),
            [torch.randn(1, 8, 32, generator=draw), torch.randn(1, 8, 32, generator=draw)],
        )
        return guided_velocity(
            Denoiser(denoiser, batches_guidance=batched), inputs, 3.0, time, context="window0"
        )


def test_streaming_blocks_changes_nothing(tiny_root: Path) -> None:
    whole = velocity(loaded(tiny_root).denoiser(1))
    assert torch.equal(velocity(loaded(tiny_root, "group").denoiser(1)), whole)


def test_eight_bit_weights_take_less_and_stay_near(tiny_root: Path) -> None:
    plain, small = loaded(tiny_root).denoiser(1), loaded(tiny_root, "fp8").denoiser(1)
    stored = {parameter.dtype for parameter in small.transformer_blocks[0].ff.parameters()}
    assert stored == {torch.float8_e4m3fn}
    expected, given = velocity(plain), velocity(small)
    assert not torch.equal(given, expected)
    assert float((given - expected).norm() / expected.norm()) < 0.1


def test_guidance_one_branch_after_the_other_is_the_same(tiny_root: Path) -> None:
    denoiser = loaded(tiny_root).denoiser(1)
    torch.testing.assert_close(velocity(denoiser, batched=False), velocity(denoiser), atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_one_denoiser_at_a_time_and_the_same_one_again(tiny_root: Path) -> None:
    models = loaded(tiny_root)
    first = models.denoiser(1)
    assert models.denoiser(1) is first
    assert models.denoiser(2) is not first
    assert models.vae() is models.vae()
    models.release()
    assert models.denoiser(1) is not first


@pytest.mark.slow
def test_a_compiled_denoiser_is_the_same_and_can_be_stopped(
    tiny_root: Path, make_monitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dynamo traces the model as on a GPU; code is not generated, which would take a compiler and minutes."""
    compile_module = torch.nn.Module.compile
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda self, **options: compile_module(self, backend="eager", **options)
    )
    whole = velocity(loaded(tiny_root).denoiser(1))
    compiled = LoadedModels(ModelFolder(tiny_root), CPU, torch.float32, "full", True).denoiser(1)
    assert compiled._compiled_call_impl is not None
    monitor = make_monitor(stages=["x"], stop_in="x", stop_after_checks=1)
    with cancellable(compiled, monitor), pytest.raises(RemovalCancelled):
        velocity(compiled)
    assert torch.equal(velocity(compiled), whole)


def test_a_stop_takes_effect_between_layers_of_one_step(tiny_root: Path, make_monitor: Any) -> None:
    denoiser = loaded(tiny_root).denoiser(1)
    computed: list[int] = []
    for index, block in enumerate(denoiser.transformer_blocks):
        block.attn1.register_forward_hook(lambda *_, index=index: computed.append(index))
    monitor = make_monitor(stages=["x"], stop_in="x", stop_after_checks=1)
    with cancellable(denoiser, monitor), pytest.raises(RemovalCancelled):
        velocity(denoiser)
    assert computed == [0]
    velocity(denoiser)
    assert computed == [0, 0, 1]


def test_a_stop_takes_effect_within_one_group_of_the_vae(tiny_root: Path, make_monitor: Any) -> None:
    vae = loaded(tiny_root).vae()
    monitor = make_monitor(stages=["x"], stop_in="x", stop_after_checks=3)
    with cancellable(vae, monitor), pytest.raises(RemovalCancelled), torch.inference_mode():
        vae.encoder(torch.zeros(1, 3, 5, 16, 16))
    assert monitor.checks == 4
    blocks = sum(type(module).__name__ == "CogVideoXResnetBlock3D" for module in vae.encoder.modules())
    assert blocks > 4


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 65_000.0])
def test_lost_activations_are_seen(tiny_root: Path, value: float) -> None:
    denoiser = loaded(tiny_root).denoiser(1)
    watch = ActivationWatch(denoiser, torch.float16)
    velocity(denoiser)
    with torch.no_grad():
        denoiser.transformer_blocks[0].ff.net[2].bias.fill_(value)
    with pytest.raises(PrecisionOverflow):
        velocity(denoiser)
    watch.stop()
    velocity(denoiser)


@pytest.mark.parametrize("name", ["cuda:7", "warp", "xpu"])
def test_absent_devices_are_named(name: str) -> None:
    with pytest.raises(DeviceError, match=name):
        pick_device(name)


def test_precisions_follow_the_device() -> None:
    assert precisions("auto", CPU) == [torch.float32]
    assert precisions("auto", torch.device("cuda")) == [torch.float16, torch.bfloat16]
    assert precisions("bfloat16", CPU) == [torch.bfloat16]
