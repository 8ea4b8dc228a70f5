"""What the function tables share: where a function may be called, from which thread, and with which
handles.
"""

from __future__ import annotations

import ctypes
import traceback
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_int
from typing import Any

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.actions import NOWHERE

_MAY_SET = frozenset({names.CHANGED, names.PEN_MOTION, names.GAIN_FOCUS})
_USER_CHANGES = frozenset({names.CHANGED, names.END_CHANGED})
# Where a function may be called. What is not named may be called in every action.
_WHERE: dict[str, frozenset[str]] = {
    "clipDefine": frozenset({names.DESCRIBE_IN_CONTEXT}),
    "paramDefine": frozenset({names.DESCRIBE_IN_CONTEXT}),
    "clipGetImage": _USER_CHANGES | {names.RENDER},
    "paramSetValue": _MAY_SET,
    "paramSetValueAtTime": _MAY_SET,
    "paramDeleteKey": frozenset({names.CHANGED}),
    "paramDeleteAllKeys": frozenset({names.CHANGED}),
    "paramCopy": frozenset({names.CHANGED}),
    "paramEditBegin": frozenset({names.CHANGED}),
    "paramEditEnd": frozenset({names.CHANGED}),
    "gotoTime": _USER_CHANGES,
    "progressStart": _USER_CHANGES | {names.RENDER},
}
_NOT_ON_DESCRIPTORS = frozenset(
    {
        "clipGetHandle", "clipGetImage", "clipGetRegionOfDefinition", "paramGetHandle", "paramGetValue",
        "paramGetValueAtTime", "abort", "setPersistentMessage", "clearPersistentMessage", "getTime",
        "getTimeBounds",
    }
)  # fmt: skip

Function = Callable[..., int]


class BadHandleError(Exception):
    """The plug-in gave a handle that stands for nothing, for something that is gone, or for something
    else.
    """


class SuiteBase:
    """The host behind the functions, and what they keep."""

    def __init__(self, host: Any) -> None:
        self.host = host
        self.tables: dict[tuple[str, int], Any] = {}
        self.kept: list[Any] = []
        self.memory: dict[int, Any] = {}
        self.mutexes: dict[int, tuple[Any, list[int]]] = {}

    def _slot(self, function: Function, *types: Any, result: Any = c_int) -> Any:
        """Return a C function that checks thread and action, calls `function` and lets no exception out."""
        called = function.__name__.strip("_")
        host = self.host

        def guarded(*arguments: Any) -> Any:
            action = host.running.current()
            if action is None:
                busy = bool(host.running.stacks)
                host.faults.add(
                    "call from a foreign thread" if busy else "call outside of any action", NOWHERE, called
                )
                return names.FAILED
            allowed = _WHERE.get(called)
            if allowed is not None and action.name not in allowed:
                host.running.fault("call in the wrong action", called)
                if called in (
                    "clipGetImage",
                    "paramSetValue",
                    "paramSetValueAtTime",
                    "clipDefine",
                    "paramDefine",
                ):
                    return names.FAILED
            elif called in _NOT_ON_DESCRIPTORS and action.name in names.PLAIN:
                host.running.fault("call in the wrong action", called)
                return names.FAILED
            elif called == "paramGetValue" and action.name == names.RENDER:
                host.running.fault("value without a time", "paramGetValue in a render")
            try:
                return function(*arguments)
            except BadHandleError as handle:
                host.running.fault("bad handle", f"{called}: {handle}")
                return names.ERR_BAD_HANDLE
            except Exception:  # noqa: BLE001 - nothing may pass a C function
                host.broken.append(traceback.format_exc())
                return names.FAILED

        made = CFUNCTYPE(result, *types)(guarded)
        self.kept.append(made)
        return made

    def _in(self, kind: str, value: Any) -> Any:
        if kind == "string":
            try:
                return (value or b"").decode("utf-8")
            except UnicodeDecodeError:
                self.host.running.fault("not UTF-8", repr(value))
                return ""
        return value or 0

    def _out(self, kind: str, value: Any) -> Any:
        if kind != "string":
            return value
        memory = self.host.running.current().text(value)
        return ctypes.addressof(memory)
