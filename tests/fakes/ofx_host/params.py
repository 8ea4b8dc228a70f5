"""Parameters: what a plug-in describes, and the values that an instance has."""

from __future__ import annotations

from typing import Any

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.actions import Running
from tests.fakes.ofx_host.profiles import Profile
from tests.fakes.ofx_host.properties import PropertySet


class ParamDescriptor:
    """One parameter as described."""

    def __init__(self, running: Running, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        values: dict[str, Any] = {
            "OfxPropType": "OfxTypeParameter",
            "OfxPropName": name,
            "OfxParamPropType": kind,
            "OfxPropLabel": name,
            "OfxParamPropHint": "",
            "OfxParamPropParent": "",
            "OfxParamPropEnabled": 1,
            "OfxParamPropSecret": 0,
            "OfxParamPropScriptName": name,
        }
        count, scalar = names.PARAM_TYPES[kind]
        if count:
            values |= {
                "OfxParamPropAnimates": 1,
                "OfxParamPropPersistant": 1,
                "OfxParamPropEvaluateOnChange": 1,
                "OfxParamPropCanUndo": 1,
                "OfxParamPropCacheInvalidation": "OfxParamInvalidateValueChange",
                "OfxParamPropDefault": ["" if scalar == "string" else 0] * count,
            }
        if kind in ("OfxParamTypeChoice", "OfxParamTypeStrChoice"):
            values["OfxParamPropChoiceOption"] = []
        if kind == "OfxParamTypeString":
            values["OfxParamPropStringMode"] = "OfxParamStringIsSingleLine"
        self.properties = PropertySet(running, f"parameter {name}", names.param_specs(kind), values)

    def check(self, profile: Profile, faults: Running) -> None:
        """Fault what a host of this profile would not take, once everything is described."""
        properties = self.properties
        if self.kind in names.NUMERIC and profile.ranges_demanded:
            wanted = {f"OfxParamProp{name}" for name in ("Min", "Max", "DisplayMin", "DisplayMax")}
            if missing := wanted - properties.set_by_plugin:
                faults.fault("no range", f"{self.name} lacks {', '.join(sorted(missing))}")
        if self.kind.startswith("OfxParamTypeInteger2D") and not profile.integer_2d:
            faults.fault("Integer2D", f"{self.name}: a host crashes on it")
        for name in properties.values:
            spec = properties.specs[name]
            if spec.count and len(properties.values[name]) != spec.count:
                faults.fault("wrong count", f"{name} of {self.name} has {len(properties.values[name])}")
        if self.kind == "OfxParamTypeChoice":
            default, options = (
                properties.get("OfxParamPropDefault"),
                properties.all("OfxParamPropChoiceOption"),
            )
            if not 0 <= default < len(options):
                faults.fault("bad default", f"{self.name}: {default} of {len(options)} options")
        elif self.kind in names.NUMERIC:
            for value, low, high in zip(
                properties.all("OfxParamPropDefault"),
                properties.all("OfxParamPropMin"),
                properties.all("OfxParamPropMax"),
                strict=False,
            ):
                if not low <= value <= high:
                    faults.fault("bad default", f"{self.name}: {value} is not in {low} to {high}")


class Param:
    """One parameter of an instance: its value, the same at every time unless `keys` has values by time."""

    def __init__(self, running: Running, descriptor: ParamDescriptor, instance: Any) -> None:
        self.descriptor = descriptor
        self.kind = descriptor.kind
        self.name = descriptor.name
        self.instance = instance
        self.count, self.scalar = names.PARAM_TYPES[self.kind]
        self.properties = PropertySet(
            running,
            f"parameter {self.name}",
            descriptor.properties.specs,
            {name: list(values) for name, values in descriptor.properties.values.items()},
            refuse=self._refuse,
        )
        self.properties.put("OfxPropType", "OfxTypeParameterInstance")
        self.value: list[Any] = self.properties.all("OfxParamPropDefault")
        self.keys: dict[float, list[Any]] = {}

    def _refuse(self, name: str, _index: int, _value: Any) -> int | None:
        running = self.properties.running
        if name in ("OfxParamPropEnabled", "OfxParamPropSecret") and running.name() == names.CREATE:
            running.fault("enabled or secret in create", f"{name} of {self.name}: Nuke crashes on it")
        if name == "OfxParamPropDefault":
            running.fault("read-only property", f"{name} of an instance's {self.name}")
        return None

    def at(self, time: float) -> list[Any]:
        """Return the values at a time: the key's before it."""
        before = [key for key in sorted(self.keys) if key <= time]
        return self.keys[before[-1]] if before else (self.keys[min(self.keys)] if self.keys else self.value)

    def flag(self, name: str) -> bool:
        """Return a property that is 0 or 1."""
        return bool(self.properties.get(name, 0))

    def fits(self, values: list[Any]) -> str:
        """Return what is wrong with values that the plug-in sets, or nothing."""
        if self.kind == "OfxParamTypeChoice":
            options = self.properties.all("OfxParamPropChoiceOption")
            if not 0 <= values[0] < len(options):
                return f"{values[0]} of {len(options)} options"
        if self.kind == "OfxParamTypeBoolean" and values[0] not in (0, 1):
            return f"{values[0]} for a boolean"
        return ""
