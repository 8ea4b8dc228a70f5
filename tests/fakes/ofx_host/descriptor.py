"""What a plug-in describes of itself, and what a host would not take of that."""

from __future__ import annotations

from typing import Any

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.params import ParamDescriptor
from tests.fakes.ofx_host.properties import PropertySet

# What the standard says of what a plug-in leaves unsaid.
_DEFAULTS: dict[str, Any] = {
    "OfxPropType": "OfxTypeImageEffect",
    "OfxPropLabel": "",
    "OfxPropShortLabel": "",
    "OfxPropLongLabel": "",
    "OfxPropPluginDescription": "",
    "OfxImageEffectPluginPropGrouping": "",
    "OfxImageEffectPluginRenderThreadSafety": "OfxImageEffectRenderInstanceSafe",
    "OfxImageEffectPluginPropHostFrameThreading": 1,
    "OfxImageEffectPluginPropSingleInstance": 0,
    "OfxImageEffectPluginPropFieldRenderTwiceAlways": 1,
    "OfxImageEffectPluginPropOverlayInteractV1": 0,
    "OfxImageEffectInstancePropSequentialRender": 0,
    "OfxImageEffectPropSupportsMultiResolution": 1,
    "OfxImageEffectPropSupportsTiles": 1,
    "OfxImageEffectPropTemporalClipAccess": 0,
    "OfxImageEffectPropMultipleClipDepths": 0,
    "OfxImageEffectPropSupportsMultipleClipPARs": 0,
    "OfxImageEffectPropSupportedContexts": [],
    "OfxImageEffectPropSupportedPixelDepths": [],
}


class Descriptor:
    """What the plug-in said of itself, in describe and for one context."""

    def __init__(self, host: Any, context: str = "") -> None:
        self.host = host
        self.context = context
        self.aborted = False
        self.clips: dict[str, PropertySet] = {}
        self.params: dict[str, ParamDescriptor] = {}
        self.properties = PropertySet(
            host.running,
            "the effect's descriptor",
            self._known(names.EFFECT_DESCRIPTOR),
            {**_DEFAULTS, "OfxPluginPropFilePath": str(host.bundle)},
        )
        self.param_set_properties = PropertySet(host.running, "the parameter set", names.PARAM_SET)
        handles = host.handles
        self.properties_handle = handles.new(self.properties)
        self.param_set_properties_handle = handles.new(self.param_set_properties)
        self.handle = handles.new(self, "effect")
        self.params_handle = handles.new(self, "params")

    def _known(self, specs: dict[str, names.Spec]) -> dict[str, names.Spec]:
        """Return those properties that the host knows."""
        if self.host.profile.colour_properties:
            return specs
        return {name: spec for name, spec in specs.items() if name not in names.COLOUR}

    def define_clip(self, name: str, out: Any) -> int:
        """Add a clip."""
        values = {
            "OfxPropType": "OfxTypeClip",
            "OfxPropName": name,
            "OfxPropLabel": name,
            "OfxImageEffectPropTemporalClipAccess": 0,
            "OfxImageClipPropOptional": 0,
            "OfxImageClipPropIsMask": 0,
            "OfxImageEffectPropSupportsTiles": 1,
        }
        self.clips[name] = PropertySet(
            self.host.running, f"clip {name}", self._known(names.CLIP_DESCRIPTOR), values
        )
        out[0] = self.host.handles.new(self.clips[name])
        return names.OK

    def define_param(self, kind: str, name: str, out: Any) -> int:
        """Add a parameter."""
        if kind not in names.PARAM_TYPES:
            self.host.running.fault("unknown parameter type", f"{kind} of {name}")
            return names.ERR_UNSUPPORTED
        if name in self.params:
            self.host.running.fault("parameter defined twice", name)
            return names.ERR_EXISTS
        self.params[name] = ParamDescriptor(self.host.running, kind, name)
        if out:
            out[0] = self.host.handles.new(self.params[name].properties)
        return names.OK

    def param_handle(self, name: str, _out: Any, _properties: Any) -> int:
        """Refuse: a descriptor has no parameters with values."""
        self.host.running.fault("call in the wrong action", f"paramGetHandle of {name}")
        return names.FAILED

    clip_handle = param_handle

    def check(self) -> None:
        """Fault what is missing or wrong once everything is described."""
        fault, profile = self.host.running.fault, self.host.profile
        properties = self.properties
        if self.context:
            needed = {"Output"} | ({"Source"} if self.context == names.FILTER else set())
            for name in needed - set(self.clips):
                fault("no such clip", f"{self.context} needs {name}")
            for name, clip in self.clips.items():
                if not clip.get("OfxImageEffectPropSupportedComponents"):
                    fault("no components", f"clip {name}")
                if (
                    self.context == names.FILTER
                    and name not in needed
                    and not clip.get("OfxImageClipPropOptional")
                ):
                    fault("mandatory clip", f"{name} in a filter")
            for param in self.params.values():
                param.check(profile, self.host.running)
                parent = param.properties.get("OfxParamPropParent")
                if parent and (parent not in self.params or self.params[parent].kind != "OfxParamTypeGroup"):
                    fault("no such group", f"{parent}, the parent of {param.name}")
                if param.kind == "OfxParamTypePage":
                    for child in param.properties.all("OfxParamPropPageChild"):
                        if child not in self.params and not child.startswith("OfxParamPageSkip"):
                            fault("no such parameter", f"{child} of page {param.name}")
            for slave in properties.all("OfxImageEffectPropClipPreferencesSlaveParam"):
                if slave not in self.params:
                    fault("no such parameter", f"{slave}, a slave of clip preferences")
            return
        for name in ("SupportedContexts", "SupportedPixelDepths"):
            if not properties.all(f"OfxImageEffectProp{name}"):
                fault("not described", name)
