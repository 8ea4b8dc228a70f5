"""A viewer that shows the effect, and a pointer over it."""

from __future__ import annotations

from ctypes import CFUNCTYPE, c_char_p, c_int, c_void_p
from typing import Any

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.actions import Action
from tests.fakes.ofx_host.properties import PropertySet

_ENTRY = CFUNCTYPE(c_int, c_char_p, c_void_p, c_void_p, c_void_p)


class Pointing:
    """The interact of one node, if it has one and the host shows such."""

    host: Any
    descriptor: Any
    handle: int
    time: float
    _interact: Any = None

    def move_pen(self, name: str = names.PEN_MOTION) -> int | None:
        """Move the pointer over the viewer, and return what the plug-in answers; None where nobody asks."""
        address = self.descriptor.properties.get("OfxImageEffectPluginPropOverlayInteractV1")
        if not self.host.profile.overlays or not address:
            return None
        if self._interact is None:
            self._interact = _ENTRY(address)
            for action in (names.DESCRIBE, names.CREATE):
                with self.host.running.enter(Action(action, self)):
                    status = self._interact(action.encode(), self.handle, None, None)
                if status not in (names.OK, names.REPLY_DEFAULT):
                    self.host.running.fault("refused", f"{action} of the interact: {status}")
        given = {
            "OfxPropEffectInstance": self.handle,
            "OfxPropTime": float(self.time),
            "OfxImageEffectPropRenderScale": [1.0, 1.0],
            "OfxInteractPropPenPosition": [10.0, 20.0],
        }
        running, handles = self.host.running, self.host.handles
        arguments = handles.new(
            PropertySet(running, "the interact's arguments", names.in_specs(tuple(given)), given)
        )
        with running.enter(Action(name, self, reason=names.PLUGIN, time=self.time)):
            status = int(self._interact(name.encode(), self.handle, arguments, None))
        handles.drop(arguments)
        if status not in (names.OK, names.REPLY_DEFAULT):
            self.host.running.fault("wrong answer", f"{name}: {status}")
        return status
