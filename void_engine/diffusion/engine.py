"""The engine ``void`` behind the engines' interface: VOID on any plate, of any length, in any memory.

It prepares a run, chooses precision and memory mode, retries when one fails, and yields the decoded frames.
:mod:`void_engine.diffusion.run` does the work in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch

from void_engine.arrays import Float32Array
from void_engine.colour.picture import ModelPicture, plan_picture
from void_engine.colour.primaries import primaries_of
from void_engine.detail.shot import restore_shot
from void_engine.diffusion.clip.anchored_shot import AnchoredShot
from void_engine.diffusion.clip.shot_clip import FEWEST_FRAMES, ShotClip, plan_size, survey
from void_engine.diffusion.device import free_bytes, pick_device, precisions
from void_engine.diffusion.errors import DeviceError, PrecisionError
from void_engine.diffusion.memory_plan import (
    MODES,
    MOST_TILES,
    ModelNeeds,
    measure_needs,
    plan_mode,
    plan_vae_tiles,
)
from void_engine.diffusion.model.folder import find_models
from void_engine.diffusion.model.folder_check import weights_fingerprint
from void_engine.diffusion.model.offload import LoadedModels, PrecisionOverflow
from void_engine.diffusion.model.optical_flow import find_flow
from void_engine.diffusion.run import VoidRun
from void_engine.diffusion.settings import read_settings
from void_engine.engines.interface import CleanFrame, EngineRequest, Monitor, ShotSource
from void_engine.errors import SettingError
from void_engine.region import TRAINED_ASPECT

_WORTHWHILE = 1.15
"""How many times larger than the canvas the region must be for the plate's detail to be worth while."""


class VoidEngine:
    """Removes objects with the VOID model. It keeps its models in memory between jobs.

    Options are the fields of :class:`~void_engine.diffusion.settings.VoidSettings`. After :meth:`remove` has
    begun to yield, :attr:`record` says what the result was made with.
    """

    name = "void"
    wants_full_frame = False
    region_aspect = TRAINED_ASPECT

    def __init__(self, models: str | Path | None = None, *, measures: bool = False) -> None:
        """Prepare the engine without loading anything.

        Args:
            models: the model folder; None takes the one that VOID_MODELS names. A job cannot name one.
            measures: whether :attr:`magnitudes` are measured for the step cache ``mag``; this needs
                ``speed: exact``.
        """
        self._folder, self._measures = models, measures
        self.magnitudes: dict[int, list[float]] = {}
        self._models: LoadedModels | None = None
        self.record: dict[str, str | int | float] = {}

    def check_request(self, request: EngineRequest, *, is_here: bool) -> None:
        """Refuse an empty prompt, an option that cannot be honoured and, here, missing models or devices.

        Raises:
            SettingError: for an option or the prompt.
            ModelFolderError: when the models are missing or incomplete.
            DeviceError: when the device is absent.
        """
        settings = read_settings(request.options)
        if not request.prompt.strip():
            raise SettingError(
                "the prompt is empty; describe what remains in the shot, such as 'An empty table.'"
            )
        if is_here:
            pick_device(settings.device)
            folder = find_models(self._folder)
            folder.require(settings.passes)
            if settings.passes == 2:
                find_flow(folder, settings.flow)

    def remove(self, shot: ShotSource, request: EngineRequest, monitor: Monitor) -> Iterator[CleanFrame]:
        """Yield one clean frame for each wanted frame of ``shot``, in order.

        Raises:
            SettingError: for an option, prompt or shot that the model cannot work with.
            MatteError: when there is nothing to remove, or a frame consists of nothing but matte.
            ModelFolderError: when the models are missing or incomplete.
            DeviceError: when the device is absent or too small.
            RemovalCancelled: soon after the monitor asks for a stop.
        """
        self.check_request(request, is_here=True)
        settings = read_settings(request.options)
        device = pick_device(settings.device)
        folder = find_models(self._folder)
        # Published VOID takes every plate for Rec.709.
        shot_space = "" if settings.mode == "published" else request.colour_space
        primaries = primaries_of(settings.colour_space or shot_space)
        anchored = AnchoredShot(shot)
        fewest = 1 if settings.as_published else FEWEST_FRAMES
        seen = survey(anchored, primaries, monitor, fewest=fewest)
        if seen.is_clean:
            monitor.log("every frame with a matte is an anchor: they are the result")
            yield from self._given(anchored, request)
            return
        stops = None if math.isnan(settings.exposure_stops) else settings.exposure_stops
        picture = plan_picture(
            seen.light,
            encoding=settings.encoding,
            stops=stops,
            primaries=primaries,
            display=settings.view_display,
            view=settings.view,
        )
        canvas = plan_size(shot, settings, request.proxy_scale)
        clip = ShotClip(anchored, picture, canvas, settings, request.seed)
        run = VoidRun(clip, settings, request, folder, monitor, measures=self._measures)
        for number in range(1, settings.passes + 1):
            run.step_cache(number)  # A wrong setting raises here, before anything is loaded.
        self._log_plan(run, picture)

        latents, models = self._computed(run, device)
        self.record = self._record(run, picture, models)
        self.magnitudes = run.magnitudes
        try:
            yield from self._clean(run, models, latents)
        finally:
            if models.mode != "full":
                models.release()

    def release(self) -> None:
        """Release all models and their memory."""
        if self._models is not None:
            self._models.release()
            self._models = None

    def _computed(self, run: VoidRun, device: torch.device) -> tuple[torch.Tensor, LoadedModels]:
        """Compute the latents in the first precision and memory mode that succeed."""
        settings, monitor = run.settings, run.monitor
        candidates = precisions(settings.precision, device)
        mode, retried = self._mode(run, device, candidates[0]), False
        while candidates:
            models = self._loaded(run, device, candidates[0], mode)
            try:
                return run.latents(models), models
            except PrecisionOverflow:
                overflowed = candidates.pop(0)
                models.release()
                if candidates:
                    monitor.log(f"{overflowed} overflows on this shot; starting again in {candidates[0]}")
            except torch.OutOfMemoryError as error:
                models.release()
                smaller = MODES[MODES.index(mode) + 1 :] if settings.memory == "auto" else ()
                if retried or not smaller:
                    raise DeviceError(
                        f"the device's memory is too small for mode {mode!r}; lower max_tokens, use a proxy "
                        "scale or choose device 'cpu'"
                    ) from error
                monitor.log(f"out of memory in mode {mode!r}; trying {smaller[0]!r}")
                mode, retried = smaller[0], True
                run.tiles = run.settings.vae_tiles or max(2, run.tiles)
        raise PrecisionError("activations overflow; set the engine option precision to float32")

    def _mode(self, run: VoidRun, device: torch.device, dtype: torch.dtype) -> str:
        settings = run.settings
        run.tiles = settings.vae_tiles or 1
        if settings.memory != "auto":
            return settings.memory
        free = free_bytes(device)
        if device.type == "cpu" or free is None:
            return "full" if device.type == "cpu" else "model"
        needs: ModelNeeds = measure_needs(
            run.folder,
            run.clip.canvas,
            run.clip.frames,
            settings.window,
            dtype,
            guided=settings.passes == 2 and settings.guidance_pass2 > 1,
        )
        mode = plan_mode(needs, free)
        run.tiles = settings.vae_tiles or plan_vae_tiles(needs, free)
        for name in MODES:
            run.monitor.log(f"memory mode {name}: {needs.device_bytes(name) / 2**30:.1f} GiB on the device")
        run.monitor.log(f"{free / 2**30:.1f} GiB are free; using mode {mode!r}, {run.tiles} VAE tiles a side")
        return mode

    def _loaded(self, run: VoidRun, device: torch.device, dtype: torch.dtype, mode: str) -> LoadedModels:
        settings = run.settings
        wanted = LoadedModels(run.folder, device, dtype, mode, settings.compile)
        if self._models is None or self._models.key != wanted.key:
            self.release()
            self._models = wanted
        return self._models

    def _clean(self, run: VoidRun, models: LoadedModels, latents: torch.Tensor) -> Iterator[CleanFrame]:
        """The wanted frames: with the plate's detail, unless that is off or there is nothing to gain."""
        clip, request = run.clip, run.request
        numbers = clip.shot.frame_numbers
        strength = _detail_strength(run)
        if strength > 0:
            # Each frame is steadied by its neighbours, wanted or not.
            answers = (
                (numbers[index], clip.on_canvas(index, code))
                for index, code in self._decoded(run, models, latents, clip.covered)
            )
            covered = numbers[: clip.covered]
            yield from restore_shot(clip.shot, covered, answers, clip.canvas, request, run.monitor, strength)
        else:
            last = max((i for i, number in enumerate(numbers) if request.wants(number)), default=-1)
            end = min(clip.covered, last + 1)
            for index, code in self._decoded(run, models, latents, end):
                if request.wants(numbers[index]):
                    given = clip.shot.given(numbers[index])
                    yield given or CleanFrame(numbers[index], clip.to_scene(index, code))
        for index in range(clip.covered, len(numbers)):
            if request.wants(numbers[index]):
                yield CleanFrame(numbers[index], clip.shot.frame(numbers[index]).plate)

    @staticmethod
    def _decoded(
        run: VoidRun, models: LoadedModels, latents: torch.Tensor, end: int
    ) -> Iterator[tuple[int, Float32Array]]:
        """Decode the first frames, up to ``end``. When memory runs out, decoding resumes in smaller tiles."""
        numbers = run.clip.shot.frame_numbers
        following = 0
        while following < end:
            run.monitor.progress("decoding", following, len(numbers))
            try:
                for index, code in run.frames(models, latents):
                    if index < following:
                        continue
                    if index >= end:
                        break
                    run.monitor.progress("decoding", index, len(numbers), numbers[index])
                    yield index, code
                    following = index + 1
            except torch.OutOfMemoryError as error:
                if run.settings.vae_tiles or run.tiles >= MOST_TILES:
                    raise DeviceError(
                        "the device's memory is too small for decoding; raise vae_tiles, lower max_tokens or "
                        "choose device 'cpu'"
                    ) from error
                run.tiles += 1
                run.monitor.log(f"out of memory while decoding; going on with {run.tiles} tiles a side")

    @staticmethod
    def _given(shot: AnchoredShot, request: EngineRequest) -> Iterator[CleanFrame]:
        """Yield the frames of a shot that needs no model: its anchors, and the plate of all others."""
        for number in shot.frame_numbers:
            if request.wants(number):
                yield shot.given(number) or CleanFrame(number, shot.frame(number).plate)

    @staticmethod
    def _log_plan(run: VoidRun, picture: ModelPicture) -> None:
        clip = run.clip
        rows, columns = clip.canvas
        run.monitor.log(
            f"VOID on a canvas of {columns}x{rows}, {clip.covered} frames padded to {clip.frames} in "
            f"{run.windows} windows of {run.settings.window_frames}, {run.steps(1)} steps, mode "
            f"{run.settings.mode}"
        )
        run.monitor.log("picture: " + ", ".join(f"{k} {v}" for k, v in picture.describe().items()))
        left_out = len(clip.shot.frame_numbers) - clip.covered
        if left_out > 0:
            run.monitor.log(
                f"the last {left_out} frames are beyond what the model answers and keep the plate"
            )

    @staticmethod
    def _record(run: VoidRun, picture: ModelPicture, models: LoadedModels) -> dict[str, str | int | float]:
        record: dict[str, str | int | float] = {
            "void/mode": run.settings.mode,
            "void/seed": run.request.seed,
            "void/canvas": "x".join(str(side) for side in reversed(run.clip.canvas)),
            "void/steps": run.steps(1),
            "void/passes": run.settings.passes,
            "void/precision": str(models.dtype).removeprefix("torch."),
            "void/speed": run.settings.speed,
            "void/detail": _detail_strength(run),
            **{f"void/picture_{name}": value for name, value in picture.describe().items()},
        }
        if run.settings.passes == 2:
            record["void/flow"] = find_flow(run.folder, run.settings.flow)
        for number in range(1, run.settings.passes + 1):
            record[f"void/weights_pass{number}"] = weights_fingerprint(run.folder, number)
        return record


def _detail_strength(run: VoidRun) -> float:
    """How much of the plate's detail is put on the answer, 0..1."""
    asked = run.settings.detail
    if not math.isnan(asked):
        return asked
    shot = run.clip.shot
    larger = max(shot.height / run.clip.canvas[0], shot.width / run.clip.canvas[1])
    return 1.0 if larger > _WORTHWHILE else 0.0
