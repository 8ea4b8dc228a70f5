from __future__ import annotations

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from void_engine.diffusion.model.tiny import SCHEDULER_SETTINGS  # noqa: E402
from void_engine.diffusion.sampling.schedule import NoiseSchedule  # noqa: E402


def schedule(steps: int, *, exact: bool, name: str = "DDIMScheduler") -> NoiseSchedule:
    return NoiseSchedule.from_config(name, SCHEDULER_SETTINGS, steps, exact_transitions=exact)


def test_thirty_published_steps_are_one_off_ten_times() -> None:
    times = schedule(30, exact=False).timesteps
    off = [t for t, following in pairwise(times) if t - 1000 // 30 != following]
    assert len(off) == 10
    assert times[:3] == [999, 966, 932]


@pytest.mark.parametrize("steps", [10, 20, 25, 50])
def test_exact_transitions_change_nothing_where_steps_divide_1000(steps: int) -> None:
    sample, velocity = torch.randn(2, 1, 4, 16, 2, 3, generator=torch.Generator().manual_seed(1))
    published, exact = schedule(steps, exact=False), schedule(steps, exact=True)
    for index in range(steps):
        torch.testing.assert_close(
            exact.step(index, velocity, sample), published.step(index, velocity, sample), atol=2e-6, rtol=2e-6
        )


@pytest.mark.parametrize("name", ["DDIMScheduler", "CogVideoXDDIMScheduler"])
def test_a_perfect_denoiser_reaches_the_clean_latents(name: str) -> None:
    """When v is made from known clean latents, every exact step stays between them and the noise."""
    plan = schedule(30, exact=True, name=name)
    clean, noise = torch.randn(2, 1, 4, 16, 2, 3, generator=torch.Generator().manual_seed(2))
    sample = noise
    for index, time in enumerate(plan.timesteps):
        alpha = float(plan.alphas_cumprod[time])
        on_path = alpha**0.5 * clean + (1 - alpha) ** 0.5 * noise
        torch.testing.assert_close(sample, on_path, atol=1e-5, rtol=1e-5)
        velocity = alpha**0.5 * noise - (1 - alpha) ** 0.5 * clean
        torch.testing.assert_close(plan.clean(index, velocity, sample), clean, atol=1e-5, rtol=1e-5)
        sample = plan.step(index, velocity, sample)
    torch.testing.assert_close(sample, clean, atol=1e-5, rtol=1e-5)
