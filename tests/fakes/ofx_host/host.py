"""A host process: loads a binary, describes its plug-in, makes instances, and unloads it."""

from __future__ import annotations

import _ctypes
import ctypes
import platform
import sys
import threading
import time
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_uint, c_void_p
from pathlib import Path
from typing import Any

from tests.fakes.ofx_host import names
from tests.fakes.ofx_host.actions import Action, Running, children, threads
from tests.fakes.ofx_host.descriptor import Descriptor
from tests.fakes.ofx_host.faults import Faults
from tests.fakes.ofx_host.handles import Handles
from tests.fakes.ofx_host.images import Box, Source
from tests.fakes.ofx_host.instance import Instance
from tests.fakes.ofx_host.profiles import Profile
from tests.fakes.ofx_host.properties import PropertySet
from tests.fakes.ofx_host.suites import Suites

_ENTRY = CFUNCTYPE(c_int, c_char_p, c_void_p, c_void_p, c_void_p)
_FETCH = CFUNCTYPE(c_void_p, c_void_p, c_char_p, c_int)


class _Host(Structure):
    _fields_ = (("host", c_void_p), ("fetchSuite", _FETCH))


class _Plugin(Structure):
    _fields_ = (
        ("pluginApi", c_char_p),
        ("apiVersion", c_int),
        ("pluginIdentifier", c_char_p),
        ("pluginVersionMajor", c_uint),
        ("pluginVersionMinor", c_uint),
        ("setHost", CFUNCTYPE(None, c_void_p)),
        ("mainEntry", _ENTRY),
    )


def why_not_here() -> str:
    """Return why this host cannot run on this machine, or nothing."""
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
        return "the OpenFX host over ctypes reads C's variable arguments as Linux on x86-64 passes them"
    return ""


def binary_of(bundle: Path) -> Path:
    """Return the Linux binary in a bundle."""
    return bundle / "Contents" / "Linux-x86-64" / bundle.name.removesuffix(".bundle")


class Host:
    """One host process with one plug-in.

    `binary` is the shared object itself; `bundle` what the host tells as its place. `messages` holds those
    that were shown, and `answer` is what a person answers to questions.
    """

    def __init__(self, profile: Profile, binary: Path, *, bundle: Path | None = None, nth: int = 0) -> None:
        self.profile = profile
        self.bundle = bundle or binary
        self.faults = Faults()
        self.running = Running(self.faults)
        self.broken: list[str] = []
        self.handles = Handles()
        self.suites = Suites(self)
        self.instances: list[Instance] = []
        self.messages: list[tuple[str, str]] = []
        self.answer = names.REPLY_YES
        self.slowest: dict[str, float] = {}
        self.render_lock = threading.Lock()
        self.threads_before = threads()
        self._children_before = children()
        self.contexts: dict[str, Descriptor] = {}
        self.properties = PropertySet(self.running, "the host", names.HOST, self._says())
        self.struct = _Host(self.handles.new(self.properties), _FETCH(self._fetch))
        self.library = ctypes.CDLL(str(binary))
        self._load(nth)

    def _says(self) -> dict[str, Any]:
        profile = self.profile
        says: dict[str, Any] = {
            "OfxPropType": "OfxTypeImageEffectHost",
            "OfxPropName": profile.name,
            "OfxPropLabel": profile.label,
            "OfxPropVersion": list(profile.version),
            "OfxPropVersionLabel": ".".join(map(str, profile.version)),
            "OfxImageEffectHostPropIsBackground": int(profile.background),
            "OfxImageEffectHostPropNativeOrigin": "kOfxImageEffectHostPropNativeOriginBottomLeft",
            "OfxImageEffectPropSupportedContexts": list(profile.contexts),
            "OfxImageEffectPropSupportedPixelDepths": list(profile.depths),
            "OfxImageEffectPropSupportedComponents": list(profile.components),
            "OfxImageEffectPropSupportsMultiResolution": int(profile.multi_resolution),
            "OfxImageEffectPropSupportsTiles": int(profile.tiles),
            "OfxImageEffectPropTemporalClipAccess": int(profile.temporal),
            "OfxImageEffectPropMultipleClipDepths": 0,
            "OfxImageEffectPropSupportsMultipleClipPARs": 0,
            "OfxImageEffectPropSupportsOverlays": int(profile.overlays),
            "OfxImageEffectPropSetableFrameRate": 0,
            "OfxImageEffectPropSetableFielding": 0,
            "OfxParamHostPropSupportsStringAnimation": 0,
            "OfxParamHostPropSupportsChoiceAnimation": 0,
            "OfxParamHostPropSupportsBooleanAnimation": 0,
            "OfxParamHostPropSupportsCustomAnimation": 0,
            "OfxParamHostPropSupportsCustomInteract": 0,
            "OfxParamHostPropMaxParameters": -1,
            "OfxParamHostPropMaxPages": 0,
            "OfxParamHostPropPageRowColumnCount": [0, 0],
        }
        if profile.api:
            says["OfxPropAPIVersion"] = list(profile.api)
        return {name: value for name, value in says.items() if name not in profile.lacks}

    def _fetch(self, _host: int, name: bytes, version: int) -> int:
        return self.suites.fetch(name.decode(), version)

    def _load(self, nth: int) -> None:
        library, fault = self.library, self.running.fault
        if hasattr(library, "OfxSetHost"):
            library.OfxSetHost.argtypes = [c_void_p]
            if library.OfxSetHost(ctypes.addressof(self.struct)) not in (names.OK, names.REPLY_DEFAULT):
                fault("binary refused", "OfxSetHost")
        library.OfxGetNumberOfPlugins.restype = c_int
        library.OfxGetPlugin.restype = POINTER(_Plugin)
        library.OfxGetPlugin.argtypes = [c_int]
        count = library.OfxGetNumberOfPlugins()
        if not 0 <= nth < count:
            raise LookupError(f"the binary has {count} plug-ins")
        plugin = library.OfxGetPlugin(nth).contents
        if library.OfxGetPlugin(count):
            fault("plug-in beyond the last", f"OfxGetPlugin({count}) of {count}")
        if plugin.pluginApi != b"OfxImageEffectPluginAPI" or plugin.apiVersion != 1:
            fault("wrong API", f"{plugin.pluginApi!r} {plugin.apiVersion}")
        self.plugin = plugin
        self.identifier = plugin.pluginIdentifier.decode()
        plugin.setHost(ctypes.addressof(self.struct))
        self.act(names.LOAD, None)
        self.described = Descriptor(self)
        self.act(names.DESCRIBE, self.described)
        self.described.check()
        if not self.profile.depth_regardless and not set(self.profile.depths) & set(self.depths()):
            raise LookupError(
                f"the plug-in takes {self.depths()}, {self.profile.label} has {self.profile.depths}"
            )
        for context in self.described.properties.all("OfxImageEffectPropSupportedContexts"):
            if context in self.profile.contexts:
                self._describe(context)
        self._started_nothing("describing")

    def _describe(self, context: str) -> None:
        descriptor = Descriptor(self, context)
        descriptor.properties.values.update(
            {name: list(values) for name, values in self.described.properties.values.items()}
        )
        self.act(names.DESCRIBE_IN_CONTEXT, descriptor, {"OfxImageEffectPropContext": context})
        self.contexts[context] = descriptor
        descriptor.check()

    def _started_nothing(self, when: str) -> None:
        """Fault threads and processes of the plug-in that exist before a person or a render asked for
        anything.
        """
        if self.instances and any(instance.fetched for instance in self.instances):
            return
        if more := threads() - self.threads_before:
            self.running.fault("started a thread too early", f"{more} after {when}")
        if children() - self._children_before:
            self.running.fault("started a process too early", f"after {when}")

    def depths(self) -> list[str]:
        """Return the depths that the plug-in takes."""
        return self.described.properties.all("OfxImageEffectPropSupportedPixelDepths")

    def described_slaves(self, descriptor: Descriptor) -> list[str]:
        """Return the parameters upon which clip preferences depend."""
        return descriptor.properties.all("OfxImageEffectPropClipPreferencesSlaveParam")

    def act(
        self,
        name: str,
        of: Any,
        given: dict[str, Any] | None = None,
        out: PropertySet | None = None,
        *,
        scale: float = 1.0,
        output: Any = None,
        **more: Any,
    ) -> int:
        """Call the plug-in's main entry and check its answer."""
        action = Action(name, of, **more)
        action.scale, action.output = scale, output
        given_handle = out_handle = None
        if given is not None:
            given_handle = self.handles.new(
                PropertySet(self.running, "the action's arguments", names.in_specs(tuple(given)), given)
            )
        if out is not None:
            out_handle = self.handles.new(out)
        before = children() if name == names.CREATE else set()
        begun = time.perf_counter()
        with self.running.enter(action):
            status = self.plugin.mainEntry(
                name.encode(), of.handle if of is not None else None, given_handle, out_handle
            )
        self.slowest[name] = max(self.slowest.get(name, 0.0), time.perf_counter() - begun)
        for handle in (given_handle, out_handle):
            if handle is not None:
                self.handles.drop(handle)
        if name == names.CREATE and children() - before:
            self.faults.add("started a process too early", name, "in createInstance")
        legal = {names.OK} if name in names.NEEDS_OK else {names.OK, names.REPLY_DEFAULT}
        legal |= {names.FAILED, names.ERR_FATAL, names.ERR_MEMORY}
        if name in (names.LOAD, names.DESCRIBE, names.DESCRIBE_IN_CONTEXT):
            legal |= {names.ERR_MISSING_HOST_FEATURE}
        if status not in legal:
            self.faults.add("wrong answer", name, str(status))
        elif name in names.PLAIN | {names.CREATE} and status not in (names.OK, names.REPLY_DEFAULT):
            self.faults.add("refused", name, str(status))
        return int(status)

    def ask_unknown(self) -> None:
        """Send an action that no standard has: it is to be answered with "default"."""
        status = self.act("OrgExampleActionOfTomorrow", None)
        if status != names.REPLY_DEFAULT:
            self.faults.add("wrong answer", "OrgExampleActionOfTomorrow", str(status))

    def said(self, _instance: int, kind: str, text: str) -> int:
        """Take a message that is shown to the person."""
        self.messages.append((kind, text))
        return self.answer if kind == "OfxMessageQuestion" else names.OK

    def release(self, handle: int) -> int:
        """Take an image back."""
        properties = self.handles.get(handle)
        action = self.running.current()
        assert action is not None
        with action.lock:
            found = [image for image in action.images if image.properties is properties]
            if found:
                action.images.remove(found[0])
        if not found:
            self.running.fault("image of another action", "clipReleaseImage")
            return names.ERR_BAD_HANDLE
        found[0].release()
        return names.OK

    def instance(
        self,
        sources: dict[str, Source],
        *,
        box: Box,
        frames: tuple[float, float],
        values: dict[str, list[Any]] | None = None,
        context: str = "",
        label: str = "VOIDRemove1",
    ) -> Instance:
        """Make a node, or open one of a saved project with its values."""
        descriptor = self.contexts[context or self.profile.context]
        made = Instance(
            self, descriptor, sources=sources, project_box=box, frames=frames, values=values, label=label
        )
        self.instances.append(made)
        if values and self.profile.changed_after_loading:
            for name in values:
                if name in made.params:
                    made.changed(name, names.PLUGIN)
        return made

    def close(self, *, wait: float = 5.0) -> None:
        """Delete every node and unload the plug-in; look at what it left behind."""
        for instance in list(self.instances):
            instance.close()
        self.act(names.UNLOAD, None)
        end = time.monotonic() + wait
        while (
            threads() > self.threads_before or children() - self._children_before
        ) and time.monotonic() < end:
            time.sleep(0.02)
        if threads() > self.threads_before:
            self.running.fault("threads left behind", f"{threads() - self.threads_before} after unload")
        if self.suites.memory:
            self.running.fault("memory not freed", f"{len(self.suites.memory)} blocks")
        if self.suites.mutexes:
            self.running.fault("mutexes not destroyed", str(len(self.suites.mutexes)))
        if threads() <= self.threads_before:
            _ctypes.dlclose(self.library._handle)

    def check(self) -> None:
        """Raise AssertionError with every fault of the plug-in, or with what went wrong in this host
        itself.
        """
        assert not self.broken, "\n".join(self.broken)
        self.faults.check()
