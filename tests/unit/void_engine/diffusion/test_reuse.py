"""Nothing is computed twice, and pass 2 reuses everything that pass 1 made."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from void_engine.diffusion import run as run_module  # noqa: E402
from void_engine.diffusion.engine import VoidEngine  # noqa: E402
from void_engine.diffusion.model import offload as offload_module  # noqa: E402
from void_engine.diffusion.sampling.rotary import _tables  # noqa: E402
from void_engine.engines.interface import EngineRequest  # noqa: E402

OPTIONS = {
    "max_tokens": 6, "window_frames": 13, "overlap_frames": 8, "steps": 2, "steps_pass2": 2,
    "preview_every": 0,
}  # fmt: skip
FRAMES = 21  # They make 6 latents, in two windows of 4.


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts how often each costly part is computed."""
    counted: Counter[str] = Counter()

    def watch(module: Any, name: str) -> None:
        work = getattr(module, name)

        def counting(*arguments: Any, **named: Any) -> Any:
            counted[name] += 1
            return work(*arguments, **named)

        monkeypatch.setattr(module, name, counting)

    for name in ("encode_video", "encode_mask", "encode_tokens", "decode_latents"):
        watch(run_module, name)
    for name in ("load_transformer", "load_vae", "load_text_encoder"):
        watch(offload_module, name)
    _tables.cache_clear()
    return counted


def remove(engine: VoidEngine, shot: Any, monitor: Any, **more: Any) -> None:
    list(engine.remove(shot, EngineRequest(prompt="A table.", options={**OPTIONS, **more}), monitor))


@pytest.mark.slow
def test_pass_2_takes_over_what_pass_1_made(
    tiny_root: Path, make_shot: Any, make_monitor: Any, count: Counter[str]
) -> None:
    shot = make_shot(frames=FRAMES)
    remove(VoidEngine(tiny_root), shot, make_monitor(), passes=2)
    assert count == {
        "encode_video": 1,  # The plate's latents serve both passes.
        "encode_mask": 1,  # The mask's latents serve both passes, since its levels are the same.
        "encode_tokens": 2,  # These are the prompt and the empty negative prompt of pass 2.
        "load_text_encoder": 1,
        "load_vae": 1,
        "load_transformer": 2,
        "decode_latents": 2,  # Pass 1 is decoded for the flow, and pass 2 for the result.
    }
    # One table serves every window and step of both passes.
    assert _tables.cache_info().misses == 1
    assert _tables.cache_info().hits >= 2 * 2 * 2 - 1


@pytest.mark.slow
def test_only_the_mask_is_made_again_where_its_levels_differ(
    tiny_root: Path, make_shot: Any, make_monitor: Any, count: Counter[str]
) -> None:
    remove(VoidEngine(tiny_root), make_shot(frames=FRAMES), make_monitor(), passes=2, pass2_mask="binary")
    assert (count["encode_video"], count["encode_mask"]) == (1, 2)


@pytest.mark.slow
def test_a_second_job_needs_no_text_encoder_and_no_loading(
    tiny_root: Path, make_shot: Any, make_monitor: Any, count: Counter[str]
) -> None:
    engine = VoidEngine(tiny_root)
    remove(engine, make_shot(frames=FRAMES), make_monitor())
    remove(engine, make_shot(frames=FRAMES), make_monitor(), steps=1)
    assert count["encode_tokens"] == count["load_text_encoder"] == 1
    assert count["load_vae"] == count["load_transformer"] == 1
    assert _tables.cache_info().misses == 1


@pytest.mark.slow
def test_frames_are_read_once_for_each_stage(tiny_root: Path, make_shot: Any, make_monitor: Any) -> None:
    """Survey, plate, matte and result each read the shot again, because memory does not hold a whole shot."""
    shot = make_shot(frames=FRAMES)
    remove(VoidEngine(tiny_root), shot, make_monitor())
    read = Counter(shot.asked)
    assert set(read) == set(shot.frame_numbers)
    # The result asks twice, for the codes that highlights are clamped to and for the carried light.
    assert max(read.values()) <= 5
