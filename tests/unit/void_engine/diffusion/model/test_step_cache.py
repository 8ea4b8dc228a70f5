"""Each cache skips blocks on a random model, starts afresh for each run, and is gone again in ``exact``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from void_engine.diffusion.engine import VoidEngine  # noqa: E402
from void_engine.diffusion.model import step_cache as step_cache_module  # noqa: E402
from void_engine.diffusion.model.folder import ModelFolder  # noqa: E402
from void_engine.diffusion.model.offload import LoadedModels  # noqa: E402
from void_engine.diffusion.model.step_cache import (  # noqa: E402
    MagnitudeMeter,
    StepCache,
    plan_step_cache,
    read_magnitudes,
    write_magnitudes,
)
from void_engine.diffusion.model.tiny import make_tiny  # noqa: E402
from void_engine.engines.interface import EngineRequest  # noqa: E402
from void_engine.errors import SettingError  # noqa: E402

STEPS = 10
OPTIONS = {"max_tokens": 6, "window_frames": 13, "overlap_frames": 8, "steps": STEPS, "preview_every": 0}


@pytest.fixture(scope="module")
def measured_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models whose measurements tell ``mag`` that nothing changes from step to step."""
    folder = make_tiny(tmp_path_factory.mktemp("measured") / "models")
    write_magnitudes(folder, {1: [1.0] * STEPS})
    return folder.root


def removed(engine: VoidEngine, shot: Any, monitor: Any, **options: Any) -> Any:
    request = EngineRequest(prompt="A table.", options={**OPTIONS, **options})
    return np.stack([frame.picture for frame in engine.remove(shot, request, monitor)])


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list with one entry for each time that the last block was really computed."""
    entries: list[int] = []
    denoiser = LoadedModels.denoiser

    def watched(self: LoadedModels, pass_number: int, cache: StepCache | None = None) -> Any:
        model = denoiser(self, pass_number, cache)
        norm = model.transformer_blocks[-1].norm1
        if not norm._forward_hooks:
            norm.register_forward_hook(lambda *_: entries.append(1))
        return model

    monkeypatch.setattr(LoadedModels, "denoiser", watched)
    return entries


@pytest.mark.slow
@pytest.mark.parametrize("method", ["first-block", "taylor", "mag"])
def test_a_cache_skips_blocks_and_leaves_no_trace(
    measured_root: Path,
    make_shot: Any,
    make_monitor: Any,
    computed: list[int],
    method: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A random denoiser changes far more from step to step than a trained one.
    monkeypatch.setitem(step_cache_module._THRESHOLDS, "draft", 2.0)
    engine = VoidEngine(measured_root)
    exact = removed(engine, make_shot(), make_monitor())
    assert len(computed) == STEPS
    computed.clear()
    options = {"speed": "draft", "step_cache": method}
    draft = removed(engine, make_shot(), make_monitor(), **options)
    skipping = len(computed)
    assert skipping < STEPS
    assert np.isfinite(draft).all()
    assert np.array_equal(
        draft, removed(engine, make_shot(), make_monitor(), speed="draft", step_cache=method)
    )
    assert len(computed) == 2 * skipping
    computed.clear()
    assert np.array_equal(exact, removed(engine, make_shot(), make_monitor()))
    assert len(computed) == STEPS


@pytest.mark.slow
def test_windows_have_caches_of_their_own(measured_root: Path, make_shot: Any, make_monitor: Any) -> None:
    """Two windows of one still picture and one noise have the same answers as one of them alone."""
    engine = VoidEngine(measured_root)
    frames = removed(engine, make_shot(frames=21), make_monitor(), speed="draft", step_cache="taylor")
    again = removed(engine, make_shot(frames=21), make_monitor(), speed="draft", step_cache="taylor")
    assert np.array_equal(frames, again)


@pytest.mark.slow
def test_nothing_is_checkpointed_while_a_cache_works(
    measured_root: Path, make_shot: Any, make_monitor: Any, tmp_path: Path
) -> None:
    saved = tmp_path / "cache" / "unfinished"
    removed(VoidEngine(measured_root), make_shot(), make_monitor(), speed="fast", checkpoint_every=1)
    assert not saved.exists()


def test_auto_takes_the_cache_that_looks_at_the_shot(tiny_root: Path) -> None:
    folder = ModelFolder(tiny_root)
    assert plan_step_cache(folder, 1, 30, speed="exact") is None
    chosen = plan_step_cache(folder, 1, 30, speed="fast")
    assert chosen == plan_step_cache(folder, 1, 50, speed="fast", method="first-block")
    assert chosen != plan_step_cache(folder, 1, 30, speed="draft")


@pytest.mark.slow
def test_magnitudes_are_measured_on_a_job(make_shot: Any, make_monitor: Any, tmp_path: Path) -> None:
    folder = make_tiny(tmp_path / "models")
    engine = VoidEngine(folder.root, measures=True)
    measured = removed(engine, make_shot(frames=21), make_monitor(), steps=4)
    assert np.array_equal(
        measured, removed(VoidEngine(folder.root), make_shot(frames=21), make_monitor(), steps=4)
    )
    assert list(engine.magnitudes) == [1]
    assert engine.magnitudes[1][0] == 1.0
    assert len(engine.magnitudes[1]) == 4
    with pytest.raises(SettingError, match="was not measured for pass 1"):
        read_magnitudes(folder, 1)
    write_magnitudes(folder, engine.magnitudes)
    assert read_magnitudes(folder, 1) == pytest.approx(engine.magnitudes[1], abs=1e-6)
    make_tiny(tmp_path / "others", seed=1).pass_weights(1).replace(folder.pass_weights(1))
    folder.record.unlink()
    folder.pass_weights(1).write_bytes(folder.pass_weights(1).read_bytes() + b" ")
    with pytest.raises(SettingError, match="was not measured"):
        read_magnitudes(folder, 1)


def test_the_meters_ratio_is_that_of_the_residuals() -> None:
    class Block(torch.nn.Module):
        scale = 1.0

        def forward(self, hidden_states: Any, encoder_hidden_states: Any) -> tuple[Any, Any]:
            return hidden_states + self.scale * torch.ones_like(hidden_states), encoder_hidden_states

    model = torch.nn.Module()
    model.transformer_blocks = torch.nn.ModuleList([Block(), Block()])
    meter = MagnitudeMeter(model)
    for scale in (1.0, 0.5, 1.0):
        for windows in range(2):
            hidden, text = torch.randn(1, 6, 4) + windows, torch.zeros(1, 2, 4)
            for block in model.transformer_blocks:
                block.scale = scale
                hidden, text = block(hidden_states=hidden, encoder_hidden_states=text)
        meter.step_done()
    meter.stop()
    assert meter.ratios == pytest.approx([1.0, 0.5, 2.0], rel=1e-5)
