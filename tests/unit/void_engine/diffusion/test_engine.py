"""The engine on a random model: every stage is real, only the pictures mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from void_engine.diffusion import engine as engine_module  # noqa: E402
from void_engine.diffusion.engine import VoidEngine  # noqa: E402
from void_engine.diffusion.errors import DeviceError, PrecisionError  # noqa: E402
from void_engine.diffusion.model import offload as offload_module  # noqa: E402
from void_engine.diffusion.model.offload import LoadedModels, PrecisionOverflow  # noqa: E402
from void_engine.diffusion.run import VoidRun  # noqa: E402
from void_engine.engines.interface import CleanFrame, EngineRequest  # noqa: E402
from void_engine.engines.registry import make_engine  # noqa: E402
from void_engine.errors import RemovalCancelled  # noqa: E402

SMALL = {"max_tokens": 6, "window_frames": 13, "overlap_frames": 8, "steps": 3, "steps_pass2": 2}
PROMPT = "A lime falls on the table."


def request(**options: Any) -> EngineRequest:
    own = {key: options.pop(key) for key in ("prompt", "seed", "wanted", "proxy_scale") if key in options}
    return EngineRequest(**{"prompt": PROMPT, **own, "options": {**SMALL, **options}})


def pictures(frames: list[CleanFrame]) -> Any:
    return np.stack([frame.picture for frame in frames])


def run(root: Path, shot: Any, monitor: Any, engine: VoidEngine | None = None, **options: Any) -> Any:
    frames = list((engine or VoidEngine(root)).remove(shot, request(**options), monitor))
    return pictures(frames)


def test_a_removal_from_end_to_end(
    tiny_root: Path, shot: Any, monitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOID_MODELS", str(tiny_root))
    engine = make_engine("void")
    frames = list(engine.remove(shot, request(), monitor))
    assert [frame.number for frame in frames] == list(shot.frame_numbers)
    assert all(frame.picture.shape == (32, 48, 3) for frame in frames)
    assert all(np.isfinite(frame.picture).all() for frame in frames)
    assert monitor.stages == ["survey", "prompt", "encoding plate", "encoding matte", "denoising", "decoding"]
    assert ("denoising", 3, 3) in monitor.steps
    assert monitor.previews
    assert monitor.previews[-1][1].shape == (4, 6, 3)
    assert isinstance(engine, VoidEngine)
    assert engine.record["void/canvas"] == "48x32"
    assert len(str(engine.record["void/weights_pass1"])) == 16


@pytest.mark.slow
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_the_same_job_gives_the_same_bytes_in_any_order(
    device: str, tiny_root: Path, make_shot: Any, make_monitor: Any
) -> None:
    def made(engine: VoidEngine, frames: int = 9, **options: Any) -> Any:
        return run(tiny_root, make_shot(frames), make_monitor(), engine, device=device, **options)

    warm = VoidEngine(tiny_root)
    first = made(warm)
    other = made(warm, frames=14, seed=7)
    again = made(warm)
    assert np.array_equal(first, again)
    assert np.array_equal(first, made(VoidEngine(tiny_root)))
    assert other.shape[0] == 14
    assert not np.array_equal(first, made(warm, seed=7))


@pytest.mark.slow
def test_a_shot_of_many_windows_keeps_its_frames(tiny_root: Path, make_shot: Any, monitor: Any) -> None:
    frames = list(VoidEngine(tiny_root).remove(make_shot(frames=40), request(steps=1), monitor))
    assert [frame.number for frame in frames] == list(range(1001, 1041))
    # The clip has 45 padded frames and 12 latents, in windows of 4 that share 2.
    assert ("denoising", 5, 5) in monitor.steps
    assert any("45 in 5 windows of 13" in line for line in monitor.lines)
    # Each window reports the frame that it begins with.
    assert monitor.frames["denoising"] == [1001, 1006, 1014, 1022, 1030]


@pytest.mark.slow
def test_pass_2_refines_on_warped_noise(tiny_root: Path, shot: Any, make_monitor: Any) -> None:
    monitor = make_monitor()
    refined = run(tiny_root, shot, monitor, passes=2)
    assert monitor.stages[-4:] == ["denoising", "warping noise", "refining", "decoding"]
    assert "encoding matte" in monitor.stages
    assert monitor.stages.count("encoding matte") == 1
    assert not np.array_equal(refined, run(tiny_root, shot, make_monitor()))


@pytest.mark.slow
def test_only_wanted_frames_are_yielded_and_decoding_stops_after_the_last(
    tiny_root: Path, make_shot: Any, monitor: Any, make_monitor: Any
) -> None:
    whole = run(tiny_root, make_shot(frames=13), make_monitor())
    frames = list(VoidEngine(tiny_root).remove(make_shot(frames=13), request(wanted={1002, 1004}), monitor))
    assert [frame.number for frame in frames] == [1002, 1004]
    assert np.array_equal(pictures(frames), whole[[1, 3]])
    assert max(step for stage, step, _ in monitor.steps if stage == "decoding") == 3


@pytest.mark.slow
def test_the_published_mode_runs_and_keeps_what_it_does_not_see(
    tiny_root: Path, make_shot: Any, monitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("void_engine.diffusion.clip.shot_clip.TRAINED_SIZE", (32, 48))
    shot = make_shot(frames=25)
    cleaned = run(tiny_root, shot, monitor, mode="published", longest=21, steps=2)
    assert cleaned.shape[0] == 25
    assert np.array_equal(cleaned[21:], np.stack([shot.plate(index) for index in range(21, 25)]))
    assert any("last 4 frames" in line for line in monitor.lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("frames", "options", "line", "kept"),
    [
        (3, {"window_frames": 1, "overlap_frames": 0, "longest": 5}, "3 frames padded to 5 in 2 windows", 0),
        (1, {}, "1 frames padded to 13 in 1 windows of 13", 0),
        (12, {"window_frames": 12, "overlap_frames": 4, "longest": 10}, "9 frames padded to 12", 3),
        (14, {"window_frames": 21, "longest": 11}, "9 frames padded to 21 in 1 windows of 21", 5),
    ],
    ids=["single latents", "one frame", "no whole latents", "beyond the limit"],
)  # fmt: skip
def test_the_published_mode_takes_every_length_that_the_published_program_takes(
    tiny_root: Path,
    make_shot: Any,
    monitor: Any,
    monkeypatch: pytest.MonkeyPatch,
    frames: int,
    options: dict[str, int],
    line: str,
    kept: int,
) -> None:
    monkeypatch.setattr("void_engine.diffusion.clip.shot_clip.TRAINED_SIZE", (32, 48))
    shot = make_shot(frames=frames)
    cleaned = run(tiny_root, shot, monitor, mode="published", **{"steps": 1, "preview_every": 1, **options})
    assert any(line in logged for logged in monitor.lines), monitor.lines
    assert cleaned.shape[0] == frames
    plates = np.stack([shot.plate(index) for index in range(frames)])
    same = [bool(np.array_equal(a, b)) for a, b in zip(cleaned, plates, strict=True)]
    assert same == [False] * (frames - kept) + [True] * kept


@pytest.mark.slow
def test_a_limit_of_any_length_leaves_the_default_mode_its_even_windows(
    tiny_root: Path, make_shot: Any, monitor: Any
) -> None:
    run(tiny_root, make_shot(frames=30), monitor, longest=19, steps=1, wanted={1001})
    assert any("19 frames padded to 21 in 2 windows of 13" in line for line in monitor.lines)


@pytest.mark.slow
def test_a_proxy_takes_a_smaller_canvas_and_fewer_steps(tiny_root: Path, shot: Any, monitor: Any) -> None:
    engine = VoidEngine(tiny_root)
    options = {"max_tokens": 24, "steps": 0}
    list(engine.remove(shot, request(proxy_scale=0.5, **options), monitor))
    assert engine.record["void/steps"] == 15
    assert engine.record["void/canvas"] == "48x32"


@pytest.mark.slow
def test_models_stay_warm_between_jobs(
    tiny_root: Path, shot: Any, make_monitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Path] = []
    load = offload_module.load_transformer
    monkeypatch.setattr(
        offload_module, "load_transformer", lambda c, path, d: loads.append(path) or load(c, path, d)
    )
    engine = VoidEngine(tiny_root)
    run(tiny_root, shot, make_monitor(), engine)
    run(tiny_root, shot, make_monitor(), engine)
    assert len(loads) == 1
    engine.release()
    run(tiny_root, shot, make_monitor(), engine)
    assert len(loads) == 2


@pytest.mark.parametrize("stage", ["encoding plate", "denoising", "decoding"])
def test_a_stop_takes_effect_in_every_stage(
    tiny_root: Path, shot: Any, make_monitor: Any, stage: str
) -> None:
    monitor = make_monitor(stop_in=stage)
    with pytest.raises(RemovalCancelled):
        run(tiny_root, shot, monitor)
    assert monitor.stages[-1] == stage


@pytest.mark.slow
def test_a_killed_run_goes_on_from_its_checkpoint_to_the_same_bytes(
    tiny_root: Path, shot: Any, make_monitor: Any, tmp_path: Path
) -> None:
    options = {"steps": 4, "checkpoint_every": 1}
    whole = run(tiny_root, shot, make_monitor(), steps=4, checkpoint_every=0)
    unfinished = tmp_path / "cache" / "unfinished"
    assert not unfinished.exists()
    # A step runs two blocks, so the run stops in the third step.
    with pytest.raises(RemovalCancelled):
        run(tiny_root, shot, make_monitor(stop_in="denoising", stop_after_checks=5), **options)
    assert len(list(unfinished.iterdir())) == 1
    monitor = make_monitor()
    assert np.array_equal(run(tiny_root, shot, monitor, **options), whole)
    assert any("going on after step 2 of 4" in line for line in monitor.lines)
    assert list(unfinished.iterdir()) == []


@pytest.mark.slow
def test_a_stop_keeps_the_steps_that_are_done(tiny_root: Path, shot: Any, make_monitor: Any) -> None:
    whole = run(tiny_root, shot, make_monitor(), steps=4, checkpoint_every=0)
    # No checkpoint is due in four steps; the stop in the third one writes it.
    options = {"steps": 4, "checkpoint_every": 100}
    with pytest.raises(RemovalCancelled):
        run(tiny_root, shot, make_monitor(stop_in="denoising", stop_after_checks=5), **options)
    monitor = make_monitor()
    assert np.array_equal(run(tiny_root, shot, monitor, **options), whole)
    assert any("going on after step 2 of 4" in line for line in monitor.lines)


@pytest.mark.slow
def test_overflow_starts_again_in_the_next_precision(
    tiny_root: Path, shot: Any, monitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "precisions", lambda name, device: [torch.float16, torch.float32])
    latents = VoidRun.latents

    def overflowing(self: VoidRun, models: LoadedModels) -> Any:
        if models.dtype == torch.float16:
            raise PrecisionOverflow
        return latents(self, models)

    monkeypatch.setattr(VoidRun, "latents", overflowing)
    engine = VoidEngine(tiny_root)
    run(tiny_root, shot, monitor, engine)
    assert engine.record["void/precision"] == "float32"
    assert any("overflows on this shot" in line for line in monitor.lines)
    monkeypatch.setattr(engine_module, "precisions", lambda name, device: [torch.float16])
    with pytest.raises(PrecisionError, match="float32"):
        run(tiny_root, shot, monitor)


@pytest.mark.slow
def test_out_of_memory_falls_to_the_next_mode_once(
    tiny_root: Path, shot: Any, monitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = VoidRun.latents
    tried: list[str] = []

    def hungry(self: VoidRun, models: LoadedModels) -> Any:
        tried.append(models.mode)
        if models.mode in refused:
            raise torch.OutOfMemoryError("no")
        return latents(self, models)

    monkeypatch.setattr(VoidRun, "latents", hungry)
    refused = {"full"}
    run(tiny_root, shot, monitor)
    assert tried == ["full", "model"]
    refused = {"full", "model"}
    with pytest.raises(DeviceError, match="too small for mode 'model'"):
        run(tiny_root, shot, monitor)
    with pytest.raises(DeviceError, match="too small for mode 'full'"):
        run(tiny_root, shot, monitor, memory="full")


@pytest.mark.slow
def test_decoding_goes_on_in_smaller_tiles_where_memory_ran_out(
    tiny_root: Path, shot: Any, make_monitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tiny_root, shot, make_monitor())
    frames = VoidRun.frames

    def hungry(self: VoidRun, models: LoadedModels, latents: Any) -> Any:
        for index, picture in frames(self, models, latents):
            if index == 4 and self.tiles < 3:
                raise torch.OutOfMemoryError("no")
            yield index, picture

    monkeypatch.setattr(VoidRun, "frames", hungry)
    monitor = make_monitor()
    # The canvas is too small to be cut, so the pictures must be the same.
    assert np.array_equal(run(tiny_root, shot, monitor), whole)
    assert [line for line in monitor.lines if "out of memory" in line][-1].endswith("3 tiles a side")
    with pytest.raises(DeviceError, match="too small for decoding"):
        run(tiny_root, shot, make_monitor(), vae_tiles=2)


@pytest.mark.slow
def test_plate_detail_ends_a_removal_on_a_canvas_smaller_than_the_region(
    tiny_root: Path, make_shot: Any, make_monitor: Any
) -> None:
    options: dict[str, Any] = {"max_tokens": 4, "steps": 1}
    monitor = make_monitor()
    shot = make_shot(frames=5)
    frames = list(VoidEngine(tiny_root).remove(shot, request(**options), monitor))
    assert any(stage == "plate detail" for stage, _, _ in monitor.steps)
    assert all(frame.model is not None and frame.confidence is not None for frame in frames)
    for frame in frames:
        at = shot.frame(frame.number)
        assert np.array_equal(frame.picture[at.replaced == 0], at.plate[at.replaced == 0])
    silent = make_monitor()
    engine = VoidEngine(tiny_root)
    bare = list(engine.remove(shot, request(**{**options, "detail": 0.0}), silent))
    assert engine.record["void/detail"] == 0
    assert not any(stage == "plate detail" for stage, _, _ in silent.steps)
    assert all(frame.model is None for frame in bare)
