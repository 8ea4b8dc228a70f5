from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from void_engine.diffusion.pass_progress import PassProgress  # noqa: E402
from void_engine.diffusion.sampling.denoise_pass import Pass  # noqa: E402
from void_engine.diffusion.sampling.latent_checkpoint import Checkpoint  # noqa: E402
from void_engine.diffusion.sampling.windows import Window  # noqa: E402
from void_engine.diffusion.settings import read_settings  # noqa: E402


class Clip:
    def first_frame(self, latent: int) -> int:
        return 1001 + 4 * latent


class Preview:
    def of_window(self, window: Window, clean: Any) -> tuple[int, Any]:
        return window.start, clean


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return Checkpoint(tmp_path, "it")


@pytest.fixture
def progress(monitor: Any, checkpoint: Checkpoint) -> PassProgress:
    """The progress of steps 2 to 5 of a pass over three windows, of which this process has the last two."""
    how = Pass(2, 5, 1, (Window(0, 4), Window(2, 6), Window(4, 8)), 6.0, True, False, 1)
    settings = read_settings({"preview_every": 2, "checkpoint_every": 2})
    stand_ins: Any = {"clip": Clip(), "preview": Preview()}
    return PassProgress(
        how, range(1, 3), settings=settings, monitor=monitor, checkpoint=checkpoint, **stand_ins
    )


def test_progress_counts_the_windows_of_this_process(progress: PassProgress, monitor: Any) -> None:
    for step in range(1, 5):
        for index in (1, 2):
            progress.on_prediction(step, index, None)  # type: ignore[arg-type]
    assert monitor.steps == [("refining", done, 10) for done in range(2, 11)]
    assert monitor.frames["refining"] == [1009, 1017] * 4
    # Both windows are shown after steps 2 and 4, and after the last.
    assert [frame for frame, _ in monitor.previews] == [2, 4] * 3


def test_latents_are_kept_now_and_then_but_not_the_last(
    progress: PassProgress, checkpoint: Checkpoint
) -> None:
    progress.keep()
    assert checkpoint.load() is None
    kept = []
    for step in range(1, 5):
        progress.on_step(step, torch.full((1, 8, 16, 1, 1), float(step)))
        found = checkpoint.load()
        kept.append((found[0], float(found[1].mean())) if found else None)
    assert kept == [(2, 1.0), (2, 1.0), (4, 3.0), (4, 3.0)]


def test_a_stop_keeps_what_was_reached(progress: PassProgress, checkpoint: Checkpoint) -> None:
    progress.on_step(2, torch.zeros(1, 8, 16, 1, 1))
    progress.keep()
    found = checkpoint.load()
    assert found is not None
    assert found[0] == 3
