"""Windows at the corners of what the published program accepts, against a plain re-statement of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from tests.golden import restated  # noqa: E402
from void_engine.diffusion.framing import published_window  # noqa: E402
from void_engine.diffusion.model.folder import ModelFolder  # noqa: E402
from void_engine.diffusion.model.tiny import SCHEDULER_SETTINGS  # noqa: E402
from void_engine.diffusion.model.weights import load_transformer, transformer_config  # noqa: E402
from void_engine.diffusion.sampling.denoise import (  # noqa: E402
    DenoiseInputs,
    DenoisePlan,
    Denoiser,
    denoise,
)
from void_engine.diffusion.sampling.schedule import NoiseSchedule  # noqa: E402
from void_engine.diffusion.sampling.windows import (  # noqa: E402
    Window,
    WindowBlend,
    plan_windows,
    ramp_weights,
)

# The lengths in latents of the calls of one step, as the published program itself made them.
RECORDED = [
    ((8, 9, 4), [2] * 7), ((9, 9, 4), [2] * 8), ((8, 13, 4), [4, 4, 2]), ((7, 13, 4), [4, 4]),
    ((10, 13, 4), [4, 4, 4]), ((5, 13, 0), [4, 1]), ((2, 1, 0), [1, 1]), ((1, 1, 0), [1]), ((1, 5, 0), [1]),
    ((3, 1, 0), [1, 1, 1]), ((5, 5, 4), [2] * 4), ((5, 5, 0), [2, 2, 1]), ((12, 21, 16), [6] * 4),
    ((12, 21, 12), [6] * 3), ((8, 12, 4), [2] * 7), ((8, 14, 6), [4, 4, 2]), ((11, 13, 12), [4] * 8),
    ((9, 29, 12), [8, 4]), ((11, 29, 12), [8, 6]), ((13, 14, 3), [4, 4, 4, 1]), ((10, 29, 19), [8, 6]),
]  # fmt: skip


def published(latents: int, window_frames: int, overlap_frames: int) -> list[Window]:
    return plan_windows(latents, published_window(window_frames), overlap_frames // 4)


@pytest.mark.parametrize(("asked", "lengths"), RECORDED)
def test_windows_are_those_that_the_published_program_made(
    asked: tuple[int, int, int], lengths: list[int]
) -> None:
    windows = published(*asked)
    assert [window.length for window in windows] == lengths
    assert [(window.start, window.stop) for window in windows] == restated.calls(*asked)


def test_windows_and_weights_are_the_re_statement_s_everywhere() -> None:
    count = 0
    for window_frames in (1, 4, 5, 9, 12, 13, 21, 22, 29):
        for overlap_frames in range(4 * published_window(window_frames)):
            for latents in range(1, 16):
                windows = published(latents, window_frames, overlap_frames)
                ranges = restated.calls(latents, window_frames, overlap_frames)
                assert [(window.start, window.stop) for window in windows] == ranges
                for index, row in enumerate(restated.shares(ranges, overlap_frames)):
                    weights = ramp_weights(windows, index, "later").tolist()
                    assert weights == pytest.approx(row, abs=1e-6), (latents, window_frames, overlap_frames)
                    count += 1
    assert count > 3000


def test_a_ramp_that_overwrites_jumps_and_the_smaller_one_does_not() -> None:
    windows = plan_windows(10, 4, 3)
    assert ramp_weights(windows, 1, "later").tolist() == pytest.approx([0.25, 0.75, 0.5, 0.25])
    assert ramp_weights(windows, 1).tolist() == pytest.approx([0.25, 0.5, 0.5, 0.25])
    # Only windows with two neighbours and overlaps beyond the half differ.
    for index in (0, len(windows) - 1):
        assert torch.equal(ramp_weights(windows, index, "later"), ramp_weights(windows, index))
    for index in range(3):
        halves = plan_windows(8, 4, 2)
        assert torch.equal(ramp_weights(halves, index, "later"), ramp_weights(halves, index))


def test_sixteen_bits_are_blended_in_sixteen_bits() -> None:
    windows = plan_windows(6, 4, 2)
    like = torch.randn(1, 6, 2, 1, 1, generator=torch.Generator().manual_seed(1)).bfloat16()
    blend = WindowBlend(windows, like, crossing="later")
    total, weight = torch.zeros(1, 6, 2, 1, 1), torch.zeros(6)
    for index, (window, row) in enumerate(zip(windows, restated.shares([(0, 4), (2, 6)], 8), strict=True)):
        answer = like[:, window.start : window.stop] * (index + 1)
        blend.add(index, answer)
        for place, share in enumerate(torch.tensor(row).bfloat16()):
            total[:, window.start + place] += (share * answer[:, place]).float()
            weight[window.start + place] += share.float()
    assert torch.equal(blend.result(), total / weight.view(1, -1, 1, 1, 1))


def test_a_published_step_rounds_sixteen_bit_latents_before_it_takes_the_velocity_off() -> None:
    draw = torch.Generator().manual_seed(2)
    sample, velocity = torch.randn(64, generator=draw).bfloat16(), torch.randn(64, generator=draw)
    schedule = NoiseSchedule.from_config("DDIMScheduler", SCHEDULER_SETTINGS, 4, exact_transitions=False)
    level = torch.tensor(restated.signal(), dtype=torch.float32)
    # A number as a tensor leaves 16-bit latents in their 16 bits; the velocity is of 32, and so is the sum.
    a, b = level[schedule.timesteps[2]], level[schedule.timesteps[2] - 250]
    clean = a.sqrt() * sample - (1 - a).sqrt() * velocity
    direction = a.sqrt() * velocity + (1 - a).sqrt() * sample
    expected = b.sqrt() * clean + (1 - b).sqrt() * direction
    given = schedule.step(2, velocity, sample)
    assert given.dtype == torch.float32
    torch.testing.assert_close(given, expected, atol=2e-5, rtol=0)
    # Without the rounding the difference is that of bfloat16, a hundred times as large.
    assert float((schedule.step(2, velocity, sample.float()) - given).abs().max()) > 1e-3


@pytest.fixture(scope="module")
def model(tiny_root: Path) -> Any:
    folder = ModelFolder(tiny_root)
    return load_transformer(transformer_config(folder.base), folder.pass_weights(1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("latents", "window_frames", "overlap_frames", "guidance"),
    [
        (7, 13, 12, 1.0),  # Overlaps of three in windows of four.
        (9, 21, 16, 3.0),  # Overlaps of four in windows of six, with guidance.
        (5, 9, 4, 1.0),  # A window of three latents, of which two remain.
        (3, 1, 0, 3.0),  # Windows of one latent.
        (5, 13, 0, 1.0),  # A last window of one latent.
        (1, 85, 16, 1.0),  # A single latent.
        (6, 13, 4, 1.0),  # A last window of three, which the published program itself refuses.
    ],
)
def test_denoising_is_the_re_statement_s(
    model: Any, latents: int, window_frames: int, overlap_frames: int, guidance: float
) -> None:
    draw = torch.Generator().manual_seed(latents)
    noise, condition = (torch.randn(1, latents, channels, 2, 4, generator=draw) for channels in (16, 32))
    texts = [torch.randn(1, 226, 32, generator=draw) for _ in range(2)]
    steps = 3
    schedule = NoiseSchedule.from_config("DDIMScheduler", SCHEDULER_SETTINGS, steps, exact_transitions=False)
    windows = published(latents, window_frames, overlap_frames)

    def engine(crossing: Any) -> Any:
        plan = DenoisePlan(schedule, windows, guidance=guidance, crossing=crossing)
        return denoise(Denoiser(model), plan, DenoiseInputs(noise, condition, texts)).double()

    expected = restated.denoised(
        model, noise, condition, texts, window_frames=window_frames, overlap_frames=overlap_frames,
        steps=steps, guidance=guidance,
    )  # fmt: skip
    torch.testing.assert_close(engine("later"), expected, atol=1e-4, rtol=0)
    crosses = len(windows) > 2 and 2 * (overlap_frames // 4) > windows[0].length
    differs = float((engine("smaller") - expected).abs().max())
    assert differs > 1e-3 if crosses else differs <= 1e-4
