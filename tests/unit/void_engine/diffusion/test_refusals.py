"""Jobs that cannot work are refused in one line, with the remedy, before any weight is read."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from void_engine.diffusion.engine import VoidEngine  # noqa: E402
from void_engine.diffusion.errors import DeviceError, ModelFolderError  # noqa: E402
from void_engine.diffusion.model import offload as offload_module  # noqa: E402
from void_engine.diffusion.model import weights as weights_module  # noqa: E402
from void_engine.diffusion.model.folder import BASE_NAME  # noqa: E402
from void_engine.engines.interface import EngineRequest  # noqa: E402
from void_engine.errors import EngineError, MatteError, SettingError  # noqa: E402

SMALL = {"max_tokens": 6, "window_frames": 13, "overlap_frames": 8, "steps": 3, "steps_pass2": 2}
NOTHING, ALL = np.zeros((32, 48), np.float32), np.ones((32, 48), np.float32)


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make opening a file of weights a failure."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("weights were read before the check")

    monkeypatch.setattr(weights_module, "_open", refuse)
    for name in ("load_transformer", "load_vae", "load_text_encoder"):
        monkeypatch.setattr(offload_module, name, refuse)


def refused(
    root: Path | None, shot: Any, monitor: Any, prompt: str = "A table.", **options: Any
) -> EngineError:
    """Run a job, and return its error, which must be one line."""
    request = EngineRequest(prompt=prompt, options={**SMALL, **options})
    with pytest.raises(EngineError) as caught:
        list(VoidEngine(root).remove(shot, request, monitor))
    assert "\n" not in str(caught.value)
    assert monitor.stages in ([], ["survey"])
    return caught.value


def test_the_guard_guards(tiny_root: Path, shot: Any, monitor: Any) -> None:
    request = EngineRequest(prompt="A table.", options=SMALL)
    with pytest.raises(AssertionError, match="weights were read"):
        list(VoidEngine(tiny_root).remove(shot, request, monitor))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"prompt": "  "}, SettingError, "prompt is empty; describe what remains"),
        ({"device": "cuda:9"}, DeviceError, "'cuda:9' is not there .*; choose auto or cpu"),
        ({"models": "/nowhere/at/all"}, SettingError, "cannot be set by a job.*--models"),
        ({"checkpoint": "/etc"}, SettingError, "cannot be set by a job"),
        ({"speed": "fast", "step_cache": "mag"}, SettingError, "void models calibrate"),
        ({"flow": "raft", "passes": 2}, ModelFolderError, "choose the engine option flow 'dis'"),
        ({"encoding": "view", "view": "Sepia"}, SettingError, "choose one of ACES"),
        ({"steps": -1}, SettingError, "must be in"),
        ({"window_frames": 12}, SettingError, "must be 5, 13, 21"),
        (
            {"mode": "published", "window_frames": 5, "overlap_frames": 8},
            SettingError,
            "overlap_frames is 8 and window_frames 5.*2 latents must be below the window of 2",
        ),
        ({"colour_space": "ACEScct"}, SettingError, "not scene-linear; render the plate"),
    ],
)
def test_settings(
    tiny_root: Path, shot: Any, monitor: Any, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    given = refused(tiny_root, shot, monitor, **options)
    assert isinstance(given, error)
    with pytest.raises(error, match=words):
        raise given


def test_a_machine_that_only_prepares_is_not_looked_at(tmp_path: Path) -> None:
    engine, request = VoidEngine(tmp_path / "none"), EngineRequest(prompt="A table.")
    engine.check_request(request, is_here=False)
    with pytest.raises(ModelFolderError):
        engine.check_request(request, is_here=True)
    with pytest.raises(SettingError, match="prompt is empty"):
        engine.check_request(EngineRequest(prompt=" "), is_here=False)


@pytest.mark.parametrize(
    ("matte", "frames", "error", "words"),
    [
        (NOTHING, 9, MatteError, "no frame has a matte; draw what is to be removed"),
        (
            ALL,
            9,
            MatteError,
            "every pixel of every frame is to be removed.*; check that the matte is not inv",
        ),
        (
            None,
            4,
            SettingError,
            "has 4 frames and the model needs 5.*; give the job handles, or choose the en",
        ),
    ],
    ids=["no mask", "mask on all pixels", "too few frames"],
)
def test_shots(
    tiny_root: Path,
    make_shot: Any,
    monitor: Any,
    matte: Any,
    frames: int,
    error: type[Exception],
    words: str,
) -> None:
    shot = make_shot(frames=frames)
    if matte is not None:
        shot.mattes = lambda index: (matte, NOTHING)
    given = refused(tiny_root, shot, monitor)
    with pytest.raises(error, match=words):
        raise given


@pytest.mark.parametrize(
    "missing",
    [
        "void_pass1.safetensors",
        "void_pass2.safetensors",
        f"{BASE_NAME}/vae/diffusion_pytorch_model.safetensors",
        f"{BASE_NAME}/text_encoder/model.safetensors",
        f"{BASE_NAME}/tokenizer/spiece.model",
        f"{BASE_NAME}/scheduler/scheduler_config.json",
        f"{BASE_NAME}/transformer/config.json",
    ],
)
def test_incomplete_folders(tiny_root: Path, shot: Any, monitor: Any, tmp_path: Path, missing: str) -> None:
    root = tmp_path / "models"
    shutil.copytree(tiny_root, root)
    (root / missing).unlink()
    given = refused(root, shot, monitor, passes=2)
    assert isinstance(given, ModelFolderError)
    assert Path(missing).name in str(given)
    assert "`void models fetch" in str(given)


def test_no_folder(shot: Any, monitor: Any, tmp_path: Path) -> None:
    assert "give --models DIR or set VOID_MODELS" in str(refused(None, shot, monitor))
    assert "no such model folder" in str(refused(tmp_path / "nowhere", shot, monitor))
