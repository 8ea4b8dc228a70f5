"""One model at a time, on a device that has room for it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from void_engine.propagation.in_memory import SilentMonitor  # noqa: E402
from void_engine.segmentation import placement  # noqa: E402
from void_engine.segmentation.errors import SegmentationError  # noqa: E402
from void_engine.segmentation.model_folders import REASONER, TRACKER  # noqa: E402


class _Log(SilentMonitor):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        self.lines.append(message)


@dataclass(eq=False)
class _Loaded:
    folder: Path
    device: Any


def _load(folder: Path, device: Any) -> Any:
    return _Loaded(folder, device)


@pytest.mark.slow
def test_two_models_are_never_loaded_at_once(tmp_path: Path) -> None:
    with placement.only_model(REASONER, tmp_path, _load, _Log(), "cpu") as model:
        assert (model.folder, model.device) == (tmp_path, torch.device("cpu"))
        with (
            pytest.raises(SegmentationError, match="reasoner is loaded"),
            placement.only_model(TRACKER, tmp_path, _load, _Log(), "cpu"),
        ):
            pass
    with placement.only_model(TRACKER, tmp_path, _load, _Log(), "cpu"):
        pass


def test_a_model_is_gone_after_its_context_though_its_user_still_has_a_name_for_it(tmp_path: Path) -> None:
    loaded: list[weakref.ref[_Loaded]] = []

    def load(folder: Path, device: Any) -> _Loaded:
        model = _Loaded(folder, device)
        loaded.append(weakref.ref(model))
        return model

    with placement.only_model(REASONER, tmp_path, load, _Log(), "cpu") as model:
        assert loaded[0]() is not None
        assert model.folder == tmp_path
    assert loaded[0]() is None


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_leaves_room_for_the_next(tmp_path: Path) -> None:
    def broken(folder: Path, device: Any) -> Any:
        raise OSError("no such tensor")

    with (
        pytest.raises(SegmentationError, match="cannot be loaded: no such tensor"),
        placement.only_model(TRACKER, tmp_path, broken, _Log(), "cpu"),
    ):
        pass
    with placement.only_model(TRACKER, tmp_path, _load, _Log(), "cpu"):
        pass


@pytest.mark.parametrize(("free_gib", "kind"), [(2.9, "cpu"), (3.5, "cuda"), (None, "cuda")])
def test_where_the_card_has_no_room_the_cpu_is_taken_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_gib: float | None, kind: str
) -> None:
    free = None if free_gib is None else int(free_gib * (1 << 30))
    monkeypatch.setattr(placement, "free_bytes", lambda device: free)
    (tmp_path / "model.safetensors").write_bytes(b"x" * 1000)
    log = _Log()
    assert placement.place_for(TRACKER, tmp_path, torch.device("cuda"), log).type == kind
    assert bool(log.lines) == (kind == "cpu")
