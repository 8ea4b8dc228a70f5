"""The property suite."""

from __future__ import annotations

from ctypes import POINTER, c_char_p, c_double, c_int, c_void_p
from typing import Any

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.suite_base import BadHandleError, Function, SuiteBase


class PropertyFunctions(SuiteBase):
    """Setting and getting, one value or many."""

    def _property(self) -> list[Any]:
        kinds: list[tuple[str, Any, Any]] = [
            ("pointer", c_void_p, c_void_p),
            ("string", c_char_p, c_void_p),
            ("double", c_double, c_double),
            ("int", c_int, c_int),
        ]
        functions = []
        for kind, given, _stored in kinds:
            functions.append(self._slot(self._setter(kind), c_void_p, c_char_p, c_int, given))
        for kind, given, _stored in kinds:
            functions.append(
                self._slot(self._setter_of_many(kind), c_void_p, c_char_p, c_int, POINTER(given))
            )
        for kind, _given, stored in kinds:
            functions.append(self._slot(self._getter(kind), c_void_p, c_char_p, c_int, POINTER(stored)))
        for kind, _given, stored in kinds:
            functions.append(
                self._slot(self._getter_of_many(kind), c_void_p, c_char_p, c_int, POINTER(stored))
            )

        def propReset(handle: int, name: bytes) -> int:
            return int(self._set(handle).plugin_reset(name.decode()))

        def propGetDimension(handle: int, name: bytes, count: Any) -> int:
            status, found = self._set(handle).plugin_dimension(name.decode())
            count[0] = found
            return int(status)

        functions.append(self._slot(propReset, c_void_p, c_char_p))
        functions.append(self._slot(propGetDimension, c_void_p, c_char_p, POINTER(c_int)))
        return functions

    def _set(self, handle: int | None) -> Any:
        found = self.host.handles.get(handle)
        if not hasattr(found, "plugin_set"):
            raise BadHandleError(f"{handle} is no property set")
        return found

    def _setter(self, kind: str) -> Function:
        def propSet(handle: int, name: bytes, index: int, value: Any) -> int:
            return int(self._set(handle).plugin_set(name.decode(), index, kind, self._in(kind, value)))

        return propSet

    def _setter_of_many(self, kind: str) -> Function:
        def propSetN(handle: int, name: bytes, count: int, values: Any) -> int:
            for index in range(count):
                status = self._set(handle).plugin_set(
                    name.decode(), index, kind, self._in(kind, values[index])
                )
                if status:
                    return int(status)
            return names.OK

        return propSetN

    def _getter(self, kind: str) -> Function:
        def propGet(handle: int, name: bytes, index: int, value: Any) -> int:
            status, found = self._set(handle).plugin_get(name.decode(), index, kind)
            if status == names.OK:
                value[0] = self._out(kind, found)
            return int(status)

        return propGet

    def _getter_of_many(self, kind: str) -> Function:
        def propGetN(handle: int, name: bytes, count: int, values: Any) -> int:
            for index in range(count):
                status, found = self._set(handle).plugin_get(name.decode(), index, kind)
                if status:
                    return int(status)
                values[index] = self._out(kind, found)
            return names.OK

        return propGetN
