"""The parameter suite.

Variable arguments are read as the System V calling convention of x86-64 passes them: whole numbers and
pointers in one row of registers, floating-point numbers in another, whatever their order in the call.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int, c_int64, c_uint, c_void_p
from typing import Any

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.suite_base import SuiteBase


class ParamFunctions(SuiteBase):
    """Defining, reading and setting parameters."""

    def _parameter(self) -> list[Any]:
        get = self.host.handles.of

        def paramDefine(params: int, kind: bytes, name: bytes, out: Any) -> int:
            return int(get(params, "params").define_param(kind.decode(), name.decode(), out))

        def paramGetHandle(params: int, name: bytes, out: Any, properties: Any) -> int:
            return int(get(params, "params").param_handle(name.decode(), out, properties))

        def paramSetGetPropertySet(params: int, out: Any) -> int:
            out[0] = get(params, "params").param_set_properties_handle
            return names.OK

        def paramGetPropertySet(param: int, out: Any) -> int:
            out[0] = get(param, "param").properties_handle
            return names.OK

        def give(param: Any, values: list[Any], outs: tuple[Any, ...]) -> int:
            if param.count == 0:
                self.host.running.fault("value of none", f"{param.name} has no value")
                return names.ERR_UNSUPPORTED
            kinds = {"int": c_int, "double": c_double, "string": c_void_p}
            for value, out in zip(values, outs, strict=False):
                ctypes.cast(out, POINTER(kinds[param.scalar]))[0] = self._out(param.scalar, value)
            return names.OK

        def paramGetValue(param: int, *outs: Any) -> int:
            found = get(param, "param")
            return give(found, found.at(found.instance.time), outs)

        def paramGetValueAtTime(param: int, time: float, *outs: Any) -> int:
            found = get(param, "param")
            return give(found, found.at(time), outs)

        def take(found: Any, arguments: tuple[Any, ...]) -> list[Any]:
            wholes, doubles = arguments[:4], arguments[4:]
            if found.scalar == "double":
                return list(doubles[: found.count])
            if found.scalar == "int":
                return [c_int(value).value for value in wholes[: found.count]]
            return [self._in("string", ctypes.cast(wholes[0], c_char_p).value)]

        def paramSetValue(param: int, *arguments: Any) -> int:
            found = get(param, "param")
            return int(found.instance.plugin_sets(found, take(found, arguments), None))

        def paramSetValueAtTime(param: int, time: float, *arguments: Any) -> int:
            found = get(param, "param")
            return int(found.instance.plugin_sets(found, take(found, arguments), time))

        def unsupported(*_arguments: Any) -> int:
            return names.ERR_UNSUPPORTED

        def paramGetNumKeys(param: int, out: Any) -> int:
            out[0] = len(get(param, "param").keys)
            return names.OK

        def paramEditBegin(params: int, _label: bytes) -> int:
            get(params, "params")
            self.host.running.current().edits += 1
            return names.OK

        def paramEditEnd(params: int) -> int:
            get(params, "params")
            action = self.host.running.current()
            if not action.edits:
                self.host.running.fault("edit not begun", "paramEditEnd without paramEditBegin")
            action.edits = max(action.edits - 1, 0)
            return names.OK

        p, s, slot = POINTER(c_void_p), c_char_p, self._slot
        wholes, doubles = [c_int64] * 4, [c_double] * 4
        return [
            slot(paramDefine, c_void_p, s, s, p),
            slot(paramGetHandle, c_void_p, s, p, p),
            slot(paramSetGetPropertySet, c_void_p, p),
            slot(paramGetPropertySet, c_void_p, p),
            slot(paramGetValue, c_void_p, *[c_void_p] * 4),
            slot(paramGetValueAtTime, c_void_p, c_double, *[c_void_p] * 4),
            slot(unsupported, c_void_p, c_double, c_void_p),
            slot(unsupported, c_void_p, c_double, c_double, c_void_p),
            slot(paramSetValue, c_void_p, *wholes, *doubles),
            slot(paramSetValueAtTime, c_void_p, c_double, *wholes, *doubles),
            slot(paramGetNumKeys, c_void_p, POINTER(c_uint)),
            slot(unsupported, c_void_p, c_uint, POINTER(c_double)),
            slot(unsupported, c_void_p, c_double, c_int, POINTER(c_int)),
            slot(unsupported, c_void_p, c_double),
            slot(unsupported, c_void_p),
            slot(unsupported, c_void_p, c_void_p, c_double, c_void_p),
            slot(paramEditBegin, c_void_p, s),
            slot(paramEditEnd, c_void_p),
        ]
