"""The suites for memory, threads, messages, progress and the timeline."""

from __future__ import annotations

import ctypes
import re
import threading
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint, c_void_p
from typing import Any

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.suite_base import BadHandleError, SuiteBase


class ServiceFunctions(SuiteBase):
    """What a host does for a plug-in beside pictures and parameters."""

    def _memory(self) -> list[Any]:
        def memoryAlloc(_instance: int, size: int, out: Any) -> int:
            memory = ctypes.create_string_buffer(size)
            self.memory[ctypes.addressof(memory)] = memory
            out[0] = ctypes.addressof(memory)
            return names.OK

        def memoryFree(address: int) -> int:
            if address and self.memory.pop(address, None) is None:
                self.host.running.fault("freed what is not allocated", "memoryFree")
            return names.OK

        return [
            self._slot(memoryAlloc, c_void_p, c_size_t, POINTER(c_void_p)),
            self._slot(memoryFree, c_void_p),
        ]

    def _multithread(self) -> list[Any]:
        running = self.host.running
        local = threading.local()

        def multiThread(function: Any, count: int, argument: Any) -> int:
            action = running.current()
            count = count or 2

            def work(index: int) -> None:
                local.index, local.spawned = index, True
                with running.lend(action):
                    function(index, count, argument)

            workers = [threading.Thread(target=work, args=(index,)) for index in range(count)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            return names.OK

        def multiThreadNumCPUs(out: Any) -> int:
            out[0] = 2
            return names.OK

        def multiThreadIndex(out: Any) -> int:
            out[0] = getattr(local, "index", 0)
            return names.OK

        def multiThreadIsSpawnedThread() -> int:
            return int(getattr(local, "spawned", False))

        def mutexCreate(out: Any, locked: int) -> int:
            handle = self.host.handles.new(None)
            self.mutexes[handle] = (threading.RLock(), [])
            out[0] = handle
            for _ in range(locked):
                mutexLock(handle)
            return names.OK

        def mutexDestroy(handle: int) -> int:
            _lock, owners = self._mutex(handle)
            if owners:
                running.fault("mutex destroyed while locked", "mutexDestroy")
            del self.mutexes[handle]
            return names.OK

        def mutexLock(handle: int) -> int:
            lock, owners = self._mutex(handle)
            lock.acquire()
            owners.append(threading.get_ident())
            return names.OK

        def mutexUnLock(handle: int) -> int:
            lock, owners = self._mutex(handle)
            if not owners or owners[-1] != threading.get_ident():
                running.fault("mutex unlocked by another", "mutexUnLock")
                return names.FAILED
            owners.pop()
            lock.release()
            return names.OK

        def mutexTryLock(handle: int) -> int:
            lock, owners = self._mutex(handle)
            if not lock.acquire(blocking=False):
                return names.FAILED
            owners.append(threading.get_ident())
            return names.OK

        body = CFUNCTYPE(None, c_uint, c_uint, c_void_p)
        return [
            self._slot(multiThread, body, c_uint, c_void_p),
            self._slot(multiThreadNumCPUs, POINTER(c_uint)),
            self._slot(multiThreadIndex, POINTER(c_uint)),
            self._slot(multiThreadIsSpawnedThread),
            self._slot(mutexCreate, POINTER(c_void_p), c_int),
            *[
                self._slot(function, c_void_p)
                for function in (mutexDestroy, mutexLock, mutexUnLock, mutexTryLock)
            ],
        ]

    def _mutex(self, handle: int) -> Any:
        if handle not in self.mutexes:
            raise BadHandleError(f"{handle} is no mutex")
        return self.mutexes[handle]

    def _message(self) -> list[Any]:
        def text(form: bytes, arguments: tuple[int, ...]) -> str:
            """Do what printf does, with the few conversions that a plug-in may need."""
            wanted = re.findall(rb"%[-+ #0-9.]*(?:l|ll|z)?[a-zA-Z]", form.replace(b"%%", b""))
            if len(wanted) > 4 or any(word[-1:] not in b"sdiu" for word in wanted):
                self.host.running.fault("text as a format", repr(form))
                return form.decode(errors="replace")
            if wanted and self.host.profile.forgets_arguments:
                self.host.running.fault("message with arguments", repr(form))
                return ""
            values: list[Any] = []
            for word, value in zip(wanted, arguments, strict=False):
                values.append(
                    (ctypes.cast(value, c_char_p).value or b"") if word[-1:] == b"s" else c_int(value).value
                )
            return (form % tuple(values)).decode(errors="replace")

        def message(instance: int, kind: bytes, _id: bytes, form: bytes, *arguments: int) -> int:
            return int(self.host.said(instance, kind.decode(), text(form, arguments)))

        def setPersistentMessage(instance: int, kind: bytes, _id: bytes, form: bytes, *arguments: int) -> int:
            effect = self.host.handles.of(instance, "effect")
            told = (kind.decode(), text(form, arguments))
            if effect.persistent == told:
                self.host.running.fault("persistent message repeated", told[1])
            effect.persistent = told
            effect.persistent_messages.append(told)
            return names.OK

        def clearPersistentMessage(instance: int) -> int:
            self.host.handles.of(instance, "effect").persistent = None
            return names.OK

        form = (c_void_p, c_char_p, c_char_p, c_char_p, *[c_int64] * 4)
        return [
            self._slot(message, *form),
            self._slot(setPersistentMessage, *form),
            self._slot(clearPersistentMessage, c_void_p),
        ]

    def _progress(self) -> list[Any]:
        def progressStart(instance: int, label: bytes, _id: Any) -> int:
            action = self.host.running.current()
            if action.progress:
                self.host.running.fault("progress within progress", "progressStart")
            action.progress = True
            self.host.handles.of(instance, "effect").progress.append(label.decode())
            return names.OK

        def progressUpdate(instance: int, share: float) -> int:
            action = self.host.running.current()
            if not action.progress or not 0 <= share <= 1:
                self.host.running.fault("progress without a start", f"progressUpdate {share}")
            effect = self.host.handles.of(instance, "effect")
            effect.progress.append(share)
            return names.REPLY_NO if effect.cancel_progress_at <= share else names.OK

        def progressEnd(instance: int) -> int:
            action = self.host.running.current()
            if not action.progress:
                self.host.running.fault("progress without a start", "progressEnd")
            action.progress = False
            self.host.handles.of(instance, "effect")
            return names.OK

        return [
            self._slot(progressStart, c_void_p, c_char_p, c_void_p),
            self._slot(progressUpdate, c_void_p, c_double),
            self._slot(progressEnd, c_void_p),
        ]

    def _timeline(self) -> list[Any]:
        def getTime(instance: int, out: Any) -> int:
            out[0] = self.host.handles.of(instance, "effect").time
            return names.OK

        def gotoTime(instance: int, time: float) -> int:
            self.host.handles.of(instance, "effect").time = time
            return names.OK

        def getTimeBounds(instance: int, first: Any, last: Any) -> int:
            first[0], last[0] = self.host.handles.of(instance, "effect").frame_range()
            return names.OK

        return [
            self._slot(getTime, c_void_p, POINTER(c_double)),
            self._slot(gotoTime, c_void_p, c_double),
            self._slot(getTimeBounds, c_void_p, POINTER(c_double), POINTER(c_double)),
        ]
