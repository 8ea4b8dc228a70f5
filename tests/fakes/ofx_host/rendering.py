"""The actions of a render, in the order of the standard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.images import (
    Box,
    Clip,
    Image,
    from_depth,
    overlap,
    scaled,
    scaled_box,
    to_components,
    to_depth,
)
from tests.fakes.ofx_host.properties import PropertySet

Ranges = dict[str, list[tuple[float, float]]]


class RenderError(Exception):
    """The plug-in answered a render with another status than OK."""

    def __init__(self, status: int) -> None:
        super().__init__(f"render answered {status}")
        self.status = status


class Rendering:
    """The part of an instance that asks for pictures."""

    host: Any
    profile: Any
    clips: dict[str, Clip]
    project_box: Box
    cache: dict[Any, np.ndarray]
    render_lock: Any
    act: Callable[..., int]

    def clip_preferences(self) -> None:
        """Ask what the plug-in prefers, and give it what the host has of that."""
        specs = {
            "OfxImageEffectPropFrameRate": names.Spec("double", 1, True),
            "OfxImageClipPropFieldOrder": names.Spec("string", 1, True),
            "OfxImageEffectPropPreMultiplication": names.Spec("string", 1, True),
            "OfxImageClipPropContinuousSamples": names.Spec("int", 1, True),
            "OfxImageEffectFrameVarying": names.Spec("int", 1, True),
        }
        values: dict[str, Any] = {}
        for name, clip in self.clips.items():
            specs[f"OfxImageClipPropComponents_{name}"] = names.Spec("string", 1, True)
            specs[f"OfxImageClipPropDepth_{name}"] = names.Spec("string", 1, True)
            specs[f"OfxImageClipPropPAR_{name}"] = names.Spec("double", 1, True)
            values[f"OfxImageClipPropComponents_{name}"] = clip.components
            values[f"OfxImageClipPropDepth_{name}"] = clip.depth
            values[f"OfxImageClipPropPAR_{name}"] = clip.properties.get("OfxImagePropPixelAspectRatio")
        values["OfxImageEffectPropPreMultiplication"] = self.profile.premultiplication
        out = PropertySet(self.host.running, "clip preferences", specs, values)
        self.act(names.CLIP_PREFERENCES, None, out)
        for name, clip in self.clips.items():
            components = out.get(f"OfxImageClipPropComponents_{name}")
            if components not in clip.supported:
                self.host.running.fault("bad clip preference", f"{components} for {name}")
            elif components in self.profile.components:
                clip.components = components
            depth = out.get(f"OfxImageClipPropDepth_{name}")
            if depth in self.profile.depths:
                clip.depth = depth
            elif depth not in (names.BYTE, names.SHORT, names.HALF, names.FLOAT):
                self.host.running.fault("bad clip preference", f"{depth} for {name}")
            clip.update()

    def frames_needed(self, time: float) -> Ranges | None:
        """Ask which frames a render of this one fetches; None from a host that does not ask."""
        if not self.profile.frames_needed:
            return None
        specs = {f"OfxImageClipPropFrameRange_{name}": names.Spec("double", 0, True) for name in self.clips}
        out = PropertySet(self.host.running, "frames needed", specs)
        status = self.act(names.FRAMES_NEEDED, {"OfxPropTime": float(time)}, out)
        ranges: Ranges = {name: [(time, time)] for name in self.clips}
        if status == names.OK:
            for name in self.clips:
                found = out.all(f"OfxImageClipPropFrameRange_{name}")
                if len(found) % 2:
                    self.host.running.fault("wrong count", f"frame range of {name}: {found}")
                elif found:
                    ranges[name] = list(zip(found[::2], found[1::2], strict=True))
        return ranges

    def region_of_definition(self, time: float) -> Box:
        """Ask how large the output is, in pixels at full scale."""
        specs = {"OfxImageEffectPropRegionOfDefinition": names.Spec("double", 4, True)}
        boxes = [source.box for clip in self.clips.values() if (source := clip.given())]
        union = (
            tuple(f(box[i] for box in boxes) for i, f in enumerate((min, min, max, max)))
            if boxes
            else self.project_box
        )
        out = PropertySet(self.host.running, "region of definition", specs)
        given = {"OfxPropTime": float(time), "OfxImageEffectPropRenderScale": [1.0, 1.0]}
        status = self.act(names.REGION_OF_DEFINITION, given, out)
        found = out.all("OfxImageEffectPropRegionOfDefinition")
        if status == names.OK and len(found) == 4:
            aspect = self.clips["Output"].properties.get("OfxImagePropPixelAspectRatio") or 1.0
            return round(found[0] / aspect), round(found[1]), round(found[2] / aspect), round(found[3])
        return union

    def render(
        self,
        time: float,
        *,
        window: Box | None = None,
        scale: float = 1.0,
        interactive: bool = True,
        field: str = "OfxFieldNone",
    ) -> np.ndarray:
        """Render a frame as the host's viewer or its writer does; returns the output's pixels in its depth,
        rows bottom-up. Of a field, only its rows may be written.

        Raises RenderError when the plug-in fails.
        """
        whole = scaled_box(self.region_of_definition(time), scale)
        window = overlap(window or whole, whole)
        announced = self.frames_needed(time)
        aspect = self.clips["Output"].properties.get("OfxImagePropPixelAspectRatio") or 1.0
        region = [
            window[0] / scale * aspect,
            window[1] / scale,
            window[2] / scale * aspect,
            window[3] / scale,
        ]
        specs = {f"OfxImageClipPropRoI_{name}": names.Spec("double", 4, True) for name in self.clips}
        common = {"OfxPropTime": float(time), "OfxImageEffectPropRenderScale": [scale, scale]}
        self.act(
            names.REGIONS_OF_INTEREST,
            {**common, "OfxImageEffectPropRegionOfInterest": region},
            PropertySet(self.host.running, "regions of interest", specs),
        )
        picture = {
            **common,
            "OfxImageEffectPropFieldToRender": field,
            "OfxImageEffectPropRenderWindow": list(window),
        }
        identity = PropertySet(
            self.host.running,
            "identity",
            {"OfxPropName": names.Spec("string", 1, True), "OfxPropTime": names.Spec("double", 1, True)},
            {"OfxPropTime": float(time)},
        )
        if self.act(names.IS_IDENTITY, picture, identity) == names.OK:
            return self._identity(identity, window, whole, scale)
        status = {
            "OfxImageEffectPropSequentialRenderStatus": 0,
            "OfxImageEffectPropInteractiveRenderStatus": int(interactive),
        }
        sequence = {
            "OfxImageEffectPropFrameRange": [float(time), float(time)],
            "OfxImageEffectPropFrameStep": 1.0,
            "OfxPropIsInteractive": int(interactive),
            "OfxImageEffectPropRenderScale": [scale, scale],
            **status,
        }
        self.act(names.BEGIN_RENDER, sequence)
        draft = (
            {}
            if "OfxImageEffectPropRenderQualityDraft" in self.profile.lacks
            else {"OfxImageEffectPropRenderQualityDraft": 0}
        )
        bounds = whole if not self.profile.tiles else window
        output = Image(self.clips["Output"], time, bounds, whole, scale, None)
        try:
            with self._allowed_at_once():
                answer = self.act(
                    names.RENDER,
                    {**picture, **status, **draft},
                    time=time,
                    announced=announced,
                    window=window,
                    field_of_rows={"OfxFieldLower": 0, "OfxFieldUpper": 1}.get(field),
                    scale=scale,
                    output=output,
                )
        finally:
            self.act(names.END_RENDER, sequence)
        if not output.released:
            output.release()
        if answer != names.OK:
            raise RenderError(answer)
        left, low = window[0] - bounds[0], window[1] - bounds[1]
        return output.result[low : low + window[3] - window[1], left : left + window[2] - window[0]]

    def _allowed_at_once(self) -> Any:
        safety = self.host.described.properties.get("OfxImageEffectPluginRenderThreadSafety")
        if safety == "OfxImageEffectRenderFullySafe":
            return threading.Lock()
        return self.render_lock if safety == "OfxImageEffectRenderInstanceSafe" else self.host.render_lock

    def _identity(self, out: PropertySet, window: Box, whole: Box, scale: float) -> np.ndarray:
        name = out.get("OfxPropName")
        if name not in self.clips or name == "Output":
            self.host.running.fault("no such clip", f"identity of {name}")
            raise RenderError(names.FAILED)
        clip, output = self.clips[name], self.clips["Output"]
        source, pixels = clip.given(), clip.pixels(out.get("OfxPropTime"))
        result = np.zeros(
            (window[3] - window[1], window[2] - window[0], names.CHANNELS[output.components]), np.float32
        )
        if source is not None and pixels is not None:
            box = scaled_box(source.box, scale)
            shared = overlap(box, window)
            pixels = to_components(scaled(pixels, source.box, scale), output.components)
            result[
                shared[1] - window[1] : shared[3] - window[1], shared[0] - window[0] : shared[2] - window[0]
            ] = pixels[shared[1] - box[1] : shared[3] - box[1], shared[0] - box[0] : shared[2] - box[0]]
        return to_depth(result, output.depth)

    def picture(self, time: float) -> np.ndarray:
        """Return what the viewer shows, as float: rendered once, and again only when something said that
        it changed.
        """
        if time not in self.cache:
            self.cache[time] = from_depth(self.render(time), self.clips["Output"].depth)
        return self.cache[time]

    def render_together(
        self, times: list[float], work: Callable[[float], np.ndarray] | None = None
    ) -> list[np.ndarray]:
        """Render frames in several threads of the host at once."""
        found: dict[int, np.ndarray] = {}
        broken: list[BaseException] = []
        waiting = list(enumerate(times))
        lock = threading.Lock()

        def loop() -> None:
            while True:
                with lock:
                    if not waiting or broken:
                        return
                    index, time = waiting.pop(0)
                try:
                    found[index] = (work or self.render)(time)
                except Exception as error:  # noqa: BLE001 - raised again by the caller
                    broken.append(error)

        workers = [threading.Thread(target=loop) for _ in range(max(2, self.profile.render_threads))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if broken:
            raise broken[0]
        return [found[index] for index in range(len(times))]
