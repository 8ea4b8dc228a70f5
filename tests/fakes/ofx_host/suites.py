"""The function tables that a host gives a plug-in, over ctypes."""

from __future__ import annotations

import ctypes
import re
from ctypes import c_void_p

from tests.fakes.ofx_host.suite_effects import EffectFunctions
from tests.fakes.ofx_host.suite_params import ParamFunctions
from tests.fakes.ofx_host.suite_properties import PropertyFunctions
from tests.fakes.ofx_host.suite_services import ServiceFunctions


class Suites(PropertyFunctions, EffectFunctions, ParamFunctions, ServiceFunctions):
    """Every suite of one host, as memory that stays where it is."""

    def fetch(self, name: str, version: int) -> int:
        """Return the address of a suite, or 0."""
        host = self.host
        if host.running.current() is None:
            host.running.fault("fetched a suite too early", f"{name} {version} outside of any action")
        if version not in host.profile.suites.get(name, ()):
            return 0
        if (name, version) not in self.tables:
            functions = getattr(self, "_" + re.sub(r"^Ofx|Suite$", "", name).lower())()
            if name == "OfxMessageSuite":
                functions = functions[: 1 if version == 1 else 3]
            table = (c_void_p * len(functions))()
            for slot, function in enumerate(functions):
                table[slot] = ctypes.cast(function, c_void_p).value
            if name == "OfxMessageSuite" and version == 2 and host.profile.null_message_v2:
                table[1] = table[2] = None
            self.tables[name, version] = table
        return ctypes.addressof(self.tables[name, version])
