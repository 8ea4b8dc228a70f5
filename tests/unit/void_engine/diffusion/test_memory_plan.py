"""Compares the planner's numbers with the facts of the real model and with measured peaks."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from tests.bench.gpu.random_models import REAL, configs_of  # noqa: E402
from void_engine.diffusion.errors import ModelFolderError  # noqa: E402
from void_engine.diffusion.memory_plan import ModelNeeds, measure_needs, needs_of, plan_mode  # noqa: E402
from void_engine.diffusion.model.folder import ModelFolder  # noqa: E402
from void_engine.diffusion.model.live_memory import peak_bytes  # noqa: E402
from void_engine.diffusion.model.tiny import (  # noqa: E402
    ModelSize,
)
from void_engine.diffusion.model.vae import decode_latents, encode_frames  # noqa: E402
from void_engine.diffusion.model.weights import (  # noqa: E402
    build_transformer,
    check_shapes,
    expected_shapes,
    load_transformer,
    load_vae,
    read_header,
    transformer_config,
)
from void_engine.diffusion.sampling.denoise import predict_velocity  # noqa: E402

GIB = 2**30
REAL_HEADER_BYTES = 11_142_925_568


@pytest.fixture(scope="module")
def real_needs() -> ModelNeeds:
    return needs_of(configs_of(REAL), (384, 672), 85, 22, torch.bfloat16)


@pytest.mark.slow
def test_the_real_models_weights_are_counted_to_the_byte(real_needs: ModelNeeds) -> None:
    assert real_needs.denoiser_weights == REAL_HEADER_BYTES
    assert real_needs.vae_weights == 2 * 215_583_907
    assert real_needs.text_weights == 2 * 4_762_310_656


@pytest.mark.slow
def test_the_real_model_fits_into_twelve_gibibytes_when_streamed(real_needs: ModelNeeds) -> None:
    assert real_needs.device_bytes("group") < 12 * GIB
    assert (
        real_needs.device_bytes("group") < real_needs.device_bytes("model") < real_needs.device_bytes("full")
    )


def test_modes_are_chosen_by_what_is_free(real_needs: ModelNeeds) -> None:
    assert plan_mode(real_needs, 48 * GIB) == "full"
    assert plan_mode(real_needs, 16 * GIB) == "model"
    assert plan_mode(real_needs, 11 * GIB) == "group"
    assert plan_mode(real_needs, 1 * GIB) == "group"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file of 11 GB that takes no room")
def test_a_header_of_the_real_checkpoint_fits_the_full_size_model(tmp_path: Path) -> None:
    """The full-size model on the meta device fits a file with the real names, shapes, types and length."""
    model = build_transformer(configs_of(REAL)["transformer"])
    header: dict[str, Any] = {}
    offset = 0
    for name, shape in expected_shapes(model).items():
        end = offset + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    assert len(header) == 1024
    assert offset == REAL_HEADER_BYTES
    path = tmp_path / "void_pass1.safetensors"
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)
    shapes, dtypes = read_header([path])
    path.unlink()
    check_shapes(shapes, model, "the real header", {})
    assert set(dtypes.values()) == {"BF16"}
    del shapes["transformer_blocks.41.ff.net.0.proj.weight"]
    with pytest.raises(ModelFolderError, match=r"missing transformer_blocks\.41\.ff\.net\.0\.proj\.weight"):
        check_shapes(shapes, model, "the real header", {})


@pytest.mark.slow
@pytest.mark.parametrize("size", [ModelSize(), ModelSize(layers=3, heads=4, vae_channels=(16, 32, 32, 64))])
def test_planned_peaks_are_measured_peaks(size: ModelSize, tmp_path: Path) -> None:
    from void_engine.diffusion.model.tiny import make_tiny

    folder: ModelFolder = make_tiny(tmp_path / "models", size=size)
    canvas, frames, latents = (32, 48), 13, 4
    needs = measure_needs(folder, canvas, frames, 22, torch.float32)
    denoiser = load_transformer(transformer_config(folder.base), folder.pass_weights(1))
    vae = load_vae(folder.vae)
    noisy, condition = torch.randn(1, latents, 16, 4, 6), torch.randn(1, latents, 32, 4, 6)
    text, times = torch.randn(1, 226, size.text_width), torch.full((1,), 999)
    with torch.no_grad():
        measured = peak_bytes(lambda: predict_velocity(denoiser, noisy, condition, text, times))
    assert needs.denoiser_activations == pytest.approx(measured, rel=0.05)
    pixels = torch.randn(1, 3, frames, *canvas)
    measured = peak_bytes(lambda: encode_frames(vae, lambda a, b: pixels[:, :, a:b], frames))
    assert needs.encode_activations == pytest.approx(measured, rel=0.05)
    code = torch.randn(1, 16, 5, 4, 6)
    measured = peak_bytes(lambda: [None for _ in decode_latents(vae, code)])
    assert needs.decode_activations == pytest.approx(measured, rel=0.05)


def test_the_decoders_peak_does_not_grow_with_the_shot(tiny_root: Path) -> None:
    vae = load_vae(ModelFolder(tiny_root).vae)

    def peak(latents: int) -> int:
        code = torch.randn(1, 16, latents, 2, 3)
        return peak_bytes(lambda: [None for _ in decode_latents(vae, code)])

    assert peak(25) == peak(7)


def test_the_encoders_peak_grows_by_the_latents_alone(tiny_root: Path) -> None:
    vae = load_vae(ModelFolder(tiny_root).vae)

    def peak(frames: int) -> int:
        group = torch.zeros(1, 3, 13, 16, 24)
        return peak_bytes(lambda: encode_frames(vae, lambda a, b: group[:, :, : b - a], frames))

    one_latent = 16 * 2 * 3 * 4
    # Latents are held once one by one and once more when they are joined.
    assert peak(61) - peak(21) <= 2 * 10 * one_latent
