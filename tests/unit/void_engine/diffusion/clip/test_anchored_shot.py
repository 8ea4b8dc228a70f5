"""Frames that the artist has cleaned come back as they are, and are known plate to the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from void_engine.diffusion.clip.anchored_shot import AnchoredShot  # noqa: E402
from void_engine.diffusion.engine import VoidEngine  # noqa: E402
from void_engine.diffusion.model import offload as offload_module  # noqa: E402
from void_engine.diffusion.run import VoidRun  # noqa: E402
from void_engine.engines.interface import CleanFrame, EngineRequest  # noqa: E402
from void_engine.errors import MatteError, PlateError  # noqa: E402

OPTIONS = {"max_tokens": 6, "window_frames": 13, "overlap_frames": 8, "steps": 1, "preview_every": 0}
ANCHOR = 1004


def removed(root: Path, shot: Any, monitor: Any, **more: Any) -> list[CleanFrame]:
    request = EngineRequest(prompt="A table.", options=OPTIONS, **more)
    return list(VoidEngine(root).remove(shot, request, monitor))


@pytest.fixture
def clean() -> Any:
    return np.random.default_rng(5).uniform(0, 30, (32, 48, 3)).astype(np.float32)


@pytest.fixture
def anchored(make_shot: Any, clean: Any) -> Any:
    shot = make_shot()
    shot.anchor = lambda number: clean if number == ANCHOR else None
    return shot


def test_the_model_sees_clean_plate_with_nothing_to_remove(anchored: Any, clean: Any) -> None:
    seen = AnchoredShot(anchored)
    frame = seen.frame(ANCHOR)
    assert np.array_equal(frame.plate, clean)
    assert not frame.remove.any()
    assert not frame.affected.any()
    assert (frame.quadmask == 255).all()
    assert np.array_equal(frame.replaced, anchored.frame(ANCHOR).replaced)
    assert np.array_equal(seen.frame(ANCHOR + 1).plate, anchored.frame(ANCHOR + 1).plate)
    assert seen.given(ANCHOR + 1) is None


@pytest.mark.slow
def test_anchors_are_given_back_and_enter_the_condition(
    tiny_root: Path,
    anchored: Any,
    make_shot: Any,
    make_monitor: Any,
    clean: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clips: list[Any] = []
    latents = VoidRun.latents

    def watched(self: VoidRun, models: Any) -> Any:
        clips.append(self.clip)
        return latents(self, models)

    monkeypatch.setattr(VoidRun, "latents", watched)
    with_anchor = removed(tiny_root, anchored, make_monitor())
    without = removed(tiny_root, make_shot(), make_monitor())
    assert [frame.number for frame in with_anchor] == list(anchored.frame_numbers)
    given = with_anchor[ANCHOR - 1001]
    assert np.array_equal(given.picture, clean)
    assert given.confidence is not None
    assert (given.confidence == 1).all()
    index = ANCHOR - 1001
    assert clips[0].removal(index, index + 1).max() == 0
    assert clips[1].removal(index, index + 1).max() == 1
    # The anchor now has the shot's brightest value, and none of it is cut off.
    light = clips[0].picture.decode(clips[0].canvas_frame(index).code)
    np.testing.assert_allclose(light, clean, rtol=1e-3)
    # The cleaned frame influences the frames beside it.
    assert not np.array_equal(with_anchor[index + 1].picture, without[index + 1].picture)


def test_a_shot_cleaned_by_hand_needs_no_model(
    tiny_root: Path, anchored: Any, monitor: Any, clean: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise AssertionError("weights were loaded")

    for name in ("load_transformer", "load_vae", "load_text_encoder"):
        monkeypatch.setattr(offload_module, name, refuse)
    mattes, nothing = anchored.mattes, np.zeros((32, 48), np.float32)
    anchored.mattes = lambda index: mattes(index) if index == ANCHOR - 1001 else (nothing, nothing)
    frames = removed(tiny_root, anchored, monitor, wanted={1002, ANCHOR})
    assert [frame.number for frame in frames] == [1002, ANCHOR]
    assert np.array_equal(frames[0].picture, anchored.plate(1))
    assert np.array_equal(frames[1].picture, clean)
    anchored.anchor = lambda number: clean if number == 1001 else None
    anchored.mattes = lambda index: (nothing, nothing)
    with pytest.raises(MatteError, match="no frame has a matte"):
        removed(tiny_root, anchored, monitor)


def test_a_broken_anchor_is_named(tiny_root: Path, anchored: Any, monitor: Any, clean: Any) -> None:
    clean[3, 3] = np.inf
    with pytest.raises(PlateError, match="frame 1004: the anchor holds"):
        removed(tiny_root, anchored, monitor)
