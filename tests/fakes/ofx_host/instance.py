"""An instance: its clips and parameters, what the plug-in asks of them, and what a person does to them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.descriptor import Descriptor
from tests.fakes.ofx_host.images import (
    Box,
    Clip,
    Image,
    Source,
    overlap,
    scaled,
    scaled_box,
)
from tests.fakes.ofx_host.params import Param
from tests.fakes.ofx_host.pointing import Pointing
from tests.fakes.ofx_host.properties import PropertySet
from tests.fakes.ofx_host.rendering import Rendering


class Instance(Rendering, Pointing):
    """One node: the host's side of it, with everything that a person or a render does to it."""

    def __init__(
        self,
        host: Any,
        descriptor: Descriptor,
        *,
        sources: dict[str, Source],
        project_box: Box,
        frames: tuple[float, float],
        values: dict[str, list[Any]] | None = None,
        label: str = "VOIDRemove1",
    ) -> None:
        self.host = host
        self.profile = host.profile
        self.descriptor = descriptor
        self.label = label
        self.project_box = project_box
        self.frames = frames
        self.time = frames[0]
        self.aborted = False
        self.alive = True
        self.persistent: tuple[str, str] | None = None
        self.persistent_messages: list[tuple[str, str]] = []
        self.progress: list[str | float] = []
        self.cancel_progress_at = 2.0
        self.cache: dict[Any, np.ndarray] = {}
        self.fetched: list[tuple[str, float]] = []
        self.undo_steps: list[dict[str, tuple[list[Any], list[Any]]]] = []
        self.step: dict[str, tuple[list[Any], list[Any]]] | None = None
        self.render_lock = threading.Lock()
        handles = host.handles
        x1, y1, x2, y2 = project_box
        self.properties = PropertySet(
            host.running,
            "the effect",
            names.EFFECT,
            {
                "OfxPropType": "OfxTypeImageEffectInstance",
                "OfxImageEffectPropContext": descriptor.context,
                "OfxImageEffectPropProjectSize": [float(x2 - x1), float(y2 - y1)],
                "OfxImageEffectPropProjectOffset": [float(x1), float(y1)],
                "OfxImageEffectPropProjectExtent": [float(x2), float(y2)],
                "OfxImageEffectPropPixelAspectRatio": 1.0,
                "OfxImageEffectInstancePropEffectDuration": float(frames[1] - frames[0] + 1),
                "OfxImageEffectPropFrameRate": 24.0,
                "OfxImageEffectPropSupportsTiles": int(self.profile.tiles),
                "OfxPropIsInteractive": int(not self.profile.background),
                "OfxPropInstanceData": 0,
                "OfxImageEffectInstancePropSequentialRender": 0,
                "OfxPropLabel": label,
            },
        )
        self.properties_handle = handles.new(self.properties)
        self.param_set_properties = PropertySet(
            host.running,
            "the parameter set",
            names.PARAM_SET,
            {name: list(v) for name, v in descriptor.param_set_properties.values.items()},
        )
        self.param_set_properties_handle = handles.new(self.param_set_properties)
        self.handle = handles.new(self, "effect")
        self.params_handle = handles.new(self, "params")
        self.clips = {name: Clip(self, name, described) for name, described in descriptor.clips.items()}
        for clip in self.clips.values():
            clip.properties_handle = handles.new(clip.properties)
            clip.handle = handles.new(clip, "clip")
            clip.source = sources.get(clip.name)
        self.params = {name: Param(host.running, d, self) for name, d in descriptor.params.items()}
        for param in self.params.values():
            param.properties_handle = handles.new(param.properties)
            param.handle = handles.new(param, "param")
        for name, value in (values or {}).items():
            if name in self.params and self.params[name].flag("OfxParamPropPersistant"):
                self.params[name].value = list(value)
        self._natural_formats()
        self.act(names.CREATE)
        self.clip_preferences()

    # What the plug-in asks for.

    def frame_range(self) -> tuple[float, float]:
        """Return the first and the last frame of the project."""
        return self.frames

    def define_clip(self, name: str, _out: Any) -> int:
        """Refuse: only descriptors are given clips."""
        self.host.running.fault("call in the wrong action", f"clipDefine of {name}")
        return names.FAILED

    def define_param(self, _kind: str, name: str, _out: Any) -> int:
        """Refuse: only descriptors are given parameters."""
        self.host.running.fault("call in the wrong action", f"paramDefine of {name}")
        return names.FAILED

    def clip_handle(self, name: str, out: Any, properties: Any) -> int:
        """Give the handles of a clip."""
        if name not in self.clips:
            self.host.running.fault("no such clip", name)
            return names.ERR_UNKNOWN
        out[0] = self.clips[name].handle
        if properties:
            properties[0] = self.clips[name].properties_handle
        return names.OK

    def param_handle(self, name: str, out: Any, properties: Any) -> int:
        """Give the handles of a parameter."""
        if name not in self.params:
            self.host.running.fault("no such parameter", name)
            return names.ERR_UNKNOWN
        out[0] = self.params[name].handle
        if properties:
            properties[0] = self.params[name].properties_handle
        return names.OK

    def plugin_sets(self, param: Param, values: list[Any], time: float | None) -> int:
        """Set a parameter for the plug-in, and tell it that it did."""
        if param.count == 0:
            self.host.running.fault("value of none", f"{param.name} has no value")
            return names.ERR_UNSUPPORTED
        if complaint := param.fits(values):
            self.host.running.fault("bad value", f"{param.name}: {complaint}")
            return names.ERR_VALUE
        if time is not None and not param.flag("OfxParamPropAnimates"):
            self.host.running.fault("key on what does not animate", param.name)
        self._set(param, values, time)
        if self.profile.announces_plugin_edits:
            self.changed(param.name, names.PLUGIN)
        return names.OK

    def fetch(self, clip: Clip, time: float, region: Any, out: Any) -> int:
        """Lend an image to the plug-in, if it may have it."""
        action = self.host.running.current()
        fault = self.host.running.fault
        out[0] = None
        if clip.instance is not self:
            fault("bad handle", "clip of another instance")
        if action.name == names.RENDER:
            if clip.is_output:
                if time != action.time:
                    fault("output at another time", f"{time:g} in a render of {action.time:g}")
                    return names.FAILED
            elif time != action.time:
                self._may_fetch_other_times(clip)
            ranges = (action.announced or {}).get(clip.name, [(action.time, action.time)])
            if not clip.is_output and not any(first <= time <= last for first, last in ranges):
                fault("frame not announced", f"{clip.name} at {time:g}; announced: {ranges}")
        else:
            if clip.is_output:
                fault("output outside of a render", action.name)
                return names.FAILED
            if action.reason != names.USER:
                fault("image in a change that is no person's", f"{clip.name} at {time:g}, {action.reason}")
            if time != action.time:
                self._may_fetch_other_times(clip)
        if clip.is_output:
            image = action.output
        else:
            scale = action.scale
            pixels = clip.pixels(time)
            source = clip.given()
            if pixels is None or source is None:
                return names.FAILED
            whole = scaled_box(source.box, scale)
            box = whole
            if region is not None and self.profile.tiles:
                aspect = source.pixel_aspect
                wanted = (region[0] / aspect, region[1], region[2] / aspect, region[3])
                box = overlap(whole, scaled_box(wanted, scale))
            pixels = scaled(pixels, source.box, scale)
            part = pixels[box[1] - whole[1] : box[3] - whole[1], box[0] - whole[0] : box[2] - whole[0]]
            image = Image(clip, time, box, whole, scale, part)
            self.fetched.append((clip.name, time))
        with action.lock:
            action.images.append(image)
        out[0] = image.handle
        return names.OK

    def _may_fetch_other_times(self, clip: Clip) -> None:
        if not (clip.temporal and self.descriptor_flag("OfxImageEffectPropTemporalClipAccess")):
            self.host.running.fault("temporal access not declared", clip.name)

    # Actions, and what a person does.

    def descriptor_flag(self, name: str) -> bool:
        """Return a property of the effect that is 0 or 1."""
        return bool(self.host.described.properties.get(name, 0))

    def act(
        self, name: str, given: dict[str, Any] | None = None, out: PropertySet | None = None, **more: Any
    ) -> int:
        """Send one action."""
        return int(self.host.act(name, self, given, out, **more))

    def changed(self, name: str, reason: str = names.USER, *, kind: str = "OfxTypeParameter") -> None:
        """Tell the plug-in that a parameter or a clip was changed."""
        self.act(names.BEGIN_CHANGED, {"OfxPropChangeReason": reason}, reason=reason)
        self.act(
            names.CHANGED,
            {
                "OfxPropType": kind,
                "OfxPropName": name,
                "OfxPropChangeReason": reason,
                "OfxPropTime": float(self.time),
                "OfxImageEffectPropRenderScale": [1.0, 1.0],
            },
            reason=reason,
            time=self.time,
        )
        self.act(names.END_CHANGED, {"OfxPropChangeReason": reason}, reason=reason, time=self.time)

    def _set(self, param: Param, values: list[Any], time: float | None) -> None:
        before = list(param.value)
        if time is None:
            param.value = list(values)
        else:
            param.keys[time] = list(values)
        if self.step is not None and param.flag("OfxParamPropCanUndo"):
            first = self.step.get(param.name, (before, []))[0]
            self.step[param.name] = (first, list(values))
        if param.flag("OfxParamPropEvaluateOnChange"):
            self.cache.clear()

    def set(self, name: str, *values: Any) -> None:
        """Do what a person does who changes a parameter."""
        param = self.params[name]
        self.step = {}
        self._set(param, list(values), None)
        self.changed(name)
        self._end_step()
        if name in self.host.described_slaves(self.descriptor):
            self.clip_preferences()

    def press(self, name: str) -> None:
        """Do what a person does who presses a button."""
        assert self.params[name].kind == "OfxParamTypePushButton"
        self.step = {}
        self.changed(name)
        self._end_step()

    def _end_step(self) -> None:
        if self.step:
            self.undo_steps.append(self.step)
        self.step = None

    def undo(self) -> None:
        """Take the last step back."""
        for name, (before, _after) in self.undo_steps.pop().items():
            self._set(self.params[name], before, None)
            self.changed(name)

    def value(self, name: str) -> Any:
        """Return the value of a parameter."""
        values = self.params[name].value
        return values[0] if len(values) == 1 else values

    def connect(self, name: str, source: Source | None) -> None:
        """Connect or disconnect an input."""
        self.clips[name].source = source
        self._natural_formats()
        self.cache.clear()
        self.changed(name, kind="OfxTypeClip")
        self.clip_preferences()

    def go_to(self, time: float) -> None:
        """Move the playhead."""
        self.time = time
        if self.profile.tells_time_changes:
            self.changed("Source", names.TIME, kind="OfxTypeClip")

    def _natural_formats(self) -> None:
        """Give clips the components and depths that the host would choose by itself."""
        depths = [d for d in self.profile.depths if d in self.host.depths()]
        for clip in self.clips.values():
            source = clip.given()
            wanted = source.components if source else names.RGBA
            takes = [c for c in clip.supported if c in self.profile.components]
            if wanted in takes:
                clip.components = wanted
            elif wanted in (names.RGB, names.RGBA) and names.RGBA in takes:
                clip.components = names.RGBA
            else:
                clip.components = takes[0] if takes else names.RGBA
            clip.depth = depths[0] if depths and not self.profile.depth_regardless else self.profile.depths[0]
            clip.premultiplication = self.profile.premultiplication
            clip.update()
        if "Output" in self.clips and "Source" in self.clips:
            chosen = self.clips["Source"].components
            if chosen in self.clips["Output"].supported:
                self.clips["Output"].components = chosen
            plate = self.clips["Source"].given()
            self.clips["Output"].pixel_aspect = plate.pixel_aspect if plate else 1.0
            self.clips["Output"].update()

    def saved(self) -> dict[str, list[Any]]:
        """Return what a project file keeps of this node."""
        return {
            name: list(param.value)
            for name, param in self.params.items()
            if param.count and param.flag("OfxParamPropPersistant")
        }

    def save(self) -> dict[str, list[Any]]:
        """Save as a host does, which asks the plug-in first to write down what it holds."""
        self.act(names.SYNC)
        return self.saved()

    def close(self) -> None:
        """Delete the node."""
        if not self.alive:
            return
        self.act(names.DESTROY)
        self.alive = False
        handles = self.host.handles
        for one in (
            self.handle,
            self.params_handle,
            self.properties_handle,
            self.param_set_properties_handle,
        ):
            handles.drop(one)
        for part in (*self.clips.values(), *self.params.values()):
            handles.drop(part.handle)
            handles.drop(part.properties_handle)
        self.host.instances.remove(self)
