"""The image effect suite."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_size_t, c_void_p
from typing import Any

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.suite_base import SuiteBase


class EffectFunctions(SuiteBase):
    """Clips, images, and memory for images."""

    def _imageeffect(self) -> list[Any]:
        get = self.host.handles.of

        def getPropertySet(effect: int, out: Any) -> int:
            out[0] = get(effect, "effect").properties_handle
            return names.OK

        def getParamSet(effect: int, out: Any) -> int:
            if self.host.running.name() == names.DESCRIBE:
                self.host.running.fault("call in the wrong action", "getParamSet in describe")
            out[0] = get(effect, "effect").params_handle
            return names.OK

        def clipDefine(effect: int, name: bytes, out: Any) -> int:
            return int(get(effect, "effect").define_clip(name.decode(), out))

        def clipGetHandle(effect: int, name: bytes, clip: Any, properties: Any) -> int:
            return int(get(effect, "effect").clip_handle(name.decode(), clip, properties))

        def clipGetPropertySet(clip: int, out: Any) -> int:
            out[0] = get(clip, "clip").properties_handle
            return names.OK

        def clipGetImage(clip: int, time: float, region: Any, out: Any) -> int:
            found = get(clip, "clip")
            box = tuple(region[0:4]) if region else None
            return int(found.instance.fetch(found, time, box, out))

        def clipReleaseImage(image: int) -> int:
            return int(self.host.release(image))

        def clipGetRegionOfDefinition(clip: int, _time: float, out: Any) -> int:
            found = get(clip, "clip")
            source = found.given()
            if source is None and not found.is_output:
                return names.FAILED
            box = source.box if source else found.instance.project_box
            aspect = source.pixel_aspect if source else 1.0
            out[0], out[1], out[2], out[3] = box[0] * aspect, box[1], box[2] * aspect, box[3]
            return names.OK

        def abort(effect: int) -> int:
            return int(get(effect, "effect").aborted)

        def imageMemoryAlloc(_effect: int, size: int, out: Any) -> int:
            memory = ctypes.create_string_buffer(size + 16)
            handle = self.host.handles.new(memory)
            self.memory[handle] = memory
            out[0] = handle
            return names.OK

        def imageMemoryFree(handle: int) -> int:
            self.memory.pop(handle)
            self.host.handles.drop(handle)
            return names.OK

        def imageMemoryLock(handle: int, out: Any) -> int:
            address = ctypes.addressof(self.memory[handle])
            out[0] = address + (-address % 16)
            return names.OK

        def imageMemoryUnlock(_handle: int) -> int:
            return names.OK

        p, s, slot = POINTER(c_void_p), c_char_p, self._slot
        return [
            slot(getPropertySet, c_void_p, p),
            slot(getParamSet, c_void_p, p),
            slot(clipDefine, c_void_p, s, p),
            slot(clipGetHandle, c_void_p, s, p, p),
            slot(clipGetPropertySet, c_void_p, p),
            slot(clipGetImage, c_void_p, c_double, POINTER(c_double), p),
            slot(clipReleaseImage, c_void_p),
            slot(clipGetRegionOfDefinition, c_void_p, c_double, POINTER(c_double)),
            slot(abort, c_void_p),
            slot(imageMemoryAlloc, c_void_p, c_size_t, p),
            slot(imageMemoryFree, c_void_p),
            slot(imageMemoryLock, c_void_p, p),
            slot(imageMemoryUnlock, c_void_p),
        ]
