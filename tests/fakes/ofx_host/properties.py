"""Property sets: every name, type, index and right to set is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.actions import Running
from tests.fakes.ofx_host.names import Spec

Checked = Callable[[str, int, Any], int | None]


class PropertySet:
    """The properties of one object.

    `values` are lists by name. `refuse(name, index, value)` may say a status for what is not to be set;
    `changed(name)` is called
    after the plug-in set something.
    """

    def __init__(
        self,
        running: Running,
        what: str,
        specs: dict[str, Spec],
        values: dict[str, Any] | None = None,
        *,
        refuse: Checked | None = None,
    ) -> None:
        self.running = running
        self.what = what
        self.specs = specs
        self.values: dict[str, list[Any]] = {}
        self.defaults: dict[str, list[Any]] = {}
        self.refuse = refuse
        self.set_by_plugin: set[str] = set()
        for name, value in (values or {}).items():
            self.put(name, value)
        self.defaults = {name: list(value) for name, value in self.values.items()}

    def put(self, name: str, value: Any) -> None:
        """Set a property as the host."""
        assert name in self.specs, f"{self.what} has no {name}"
        self.values[name] = list(value) if isinstance(value, list | tuple) else [value]

    def get(self, name: str, default: Any = None) -> Any:
        """Return the first value of a property as the host."""
        values = self.values.get(name)
        return values[0] if values else default

    def all(self, name: str) -> list[Any]:
        """Return all values of a property as the host."""
        return list(self.values.get(name, []))

    def _spec(self, name: str, kind: str | None) -> Spec | int:
        spec = self.specs.get(name)
        if spec is None:
            if name not in names.EVERY_NAME:
                self.running.fault("unknown property", f"{name} of {self.what}")
            elif kind is not None:
                self.running.fault("property of another object", f"{name} of {self.what}")
            return names.ERR_UNKNOWN
        if kind is not None and kind != spec.type:
            self.running.fault("wrong type", f"{name} of {self.what} is {spec.type}, asked as {kind}")
            return names.ERR_VALUE
        return spec

    def plugin_set(self, name: str, index: int, kind: str, value: Any) -> int:
        """Set one value for the plug-in and return the status."""
        spec = self._spec(name, kind)
        if isinstance(spec, int):
            return spec
        if not spec.settable:
            self.running.fault("read-only property", f"{name} of {self.what}")
            return names.ERR_VALUE
        values = self.values.setdefault(name, [])
        if index < 0 or (spec.count and index >= spec.count) or (not spec.count and index > len(values)):
            self.running.fault("bad index", f"{name}[{index}] of {self.what}")
            return names.ERR_BAD_INDEX
        if self.refuse is not None and (status := self.refuse(name, index, value)) is not None:
            return status
        while len(values) <= index:
            values.append("" if kind == "string" else 0)
        values[index] = value
        self.set_by_plugin.add(name)
        return names.OK

    def plugin_get(self, name: str, index: int, kind: str) -> tuple[int, Any]:
        """Return the status and the value for the plug-in."""
        spec = self.specs.get(name)
        if spec is None:
            self._spec(name, None)
            return names.ERR_UNKNOWN, None
        checked = self._spec(name, kind)
        if isinstance(checked, int):
            return checked, None
        if name not in self.values:
            return names.ERR_UNKNOWN, None
        values = self.values[name]
        if not 0 <= index < len(values):
            self.running.fault("bad index", f"{name}[{index}] of {self.what}, which has {len(values)}")
            return names.ERR_BAD_INDEX, None
        return names.OK, values[index]

    def plugin_dimension(self, name: str) -> tuple[int, int]:
        """Return the status and how many values there are."""
        spec = self._spec(name, None)
        if isinstance(spec, int) or name not in self.values:
            return names.ERR_UNKNOWN, 0
        return names.OK, len(self.values[name])

    def plugin_reset(self, name: str) -> int:
        """Give a property its default back."""
        spec = self._spec(name, None)
        if isinstance(spec, int):
            return spec
        if not spec.settable:
            self.running.fault("read-only property", f"{name} of {self.what}")
            return names.ERR_VALUE
        if name in self.defaults:
            self.values[name] = list(self.defaults[name])
        else:
            self.values.pop(name, None)
        return names.OK
