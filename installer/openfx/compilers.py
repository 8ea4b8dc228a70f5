"""Finds a C++ compiler, and says how the plug-in is compiled and linked with it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from installer.openfx.targets import NAME, Target

ZIG_DISTRIBUTION = "ziglang"
_WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Wpedantic", "-Werror")
_LANGUAGE = ("-std=c++17", "-fvisibility=hidden", "-fvisibility-inlines-hidden")
_PROBE = "#include <optional>\n#include <thread>\nint main() { return std::optional<int>(0).value(); }\n"


@dataclass(frozen=True, slots=True)
class Compiler:
    """A way to compile: the command, and whether it is Zig, which compiles for other machines too."""

    command: tuple[str, ...]
    is_zig: bool = False

    def compile_options(self, target: Target, version: str, sanitizers: Sequence[str]) -> list[str]:
        """Return the options for one source file."""
        options = [*_LANGUAGE, *_WARNINGS, f'-DVOID_VERSION="{version}"', "-O0" if sanitizers else "-O2"]
        if target.system != "windows":
            options.append("-fPIC")
        if target.system == "linux":
            options.append("-pthread")
        if sanitizers:
            options += [f"-fsanitize={','.join(sanitizers)}", "-fno-omit-frame-pointer", "-g1"]
        elif self.is_zig:
            # In what it takes for a debug build Zig traps undefined behaviour, and a host would end.
            options += ["-fno-sanitize=all", "-g0"]
        return [*options, *self._machine(target)]

    def link_options(self, target: Target, exports: Path, sanitizers: Sequence[str]) -> list[str]:
        """Return the options that make the shared library of compiled sources. ``exports`` lists what it
        shows to hosts."""
        options = ["-shared", *self._machine(target)]
        if target.system == "linux":
            options += ["-pthread", f"-Wl,--version-script={exports}", "-Wl,-z,nodelete"]
            if not self.is_zig and not sanitizers:
                # The host's own C++ library may be older, and Zig's is static anyway.
                options += ["-static-libstdc++", "-static-libgcc", "-Wl,--no-undefined"]
        if target.system == "macos":
            # Otherwise the library's own name is the temporary path at which it was linked.
            options.append(f"-Wl,-install_name,{NAME}.ofx")
        if sanitizers:
            options.append(f"-fsanitize={','.join(sanitizers)}")
        else:
            options += ["-s"] if target.system != "macos" else []
        return options

    def libraries(self, target: Target) -> list[str]:
        """Return the libraries that come last on the command line."""
        return ["-ldl"] if target.system == "linux" else []

    def _machine(self, target: Target) -> list[str]:
        if self.is_zig:
            return ["-target", target.zig]
        if target.system == "macos":
            return ["-arch", target.name.partition("-")[2], "-mmacosx-version-min=11.0"]
        return []


def system_compiler() -> Compiler | None:
    """Return the system's C++ compiler: the one that ``CXX`` names, or the first that knows C++17, or None.

    On Windows it is none: Zig compiles alike on every machine.
    """
    if sys.platform == "win32":
        return None
    named = os.environ.get("CXX", "")
    candidates = [shlex.split(named)] if named else [["c++"], ["g++"], ["clang++"]]
    return next((Compiler(tuple(one)) for one in candidates if one and _works(one)), None)


def zig_compiler(python: Path) -> Compiler | None:
    """Return the Zig that is installed for ``python`` as the package ``ziglang``, or None."""
    command = (str(python), "-I", "-m", ZIG_DISTRIBUTION, "c++")
    probe = [*command[:-1], "version"]
    try:
        done = subprocess.run(probe, capture_output=True, check=False, timeout=120)
    except (OSError, subprocess.SubprocessError):
        return None
    return Compiler(command, is_zig=True) if done.returncode == 0 else None


def _works(command: Sequence[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    with tempfile.TemporaryDirectory(prefix="void-compiler-") as folder:
        source = Path(folder) / "probe.cpp"
        source.write_text(_PROBE, encoding="utf-8")
        made = subprocess.run(
            [*command, "-std=c++17", "-pthread", str(source), "-o", str(source.with_suffix(""))],
            capture_output=True,
            check=False,
        )
        return made.returncode == 0
