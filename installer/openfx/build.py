"""Compiles the plug-in: all sources side by side, then one shared library."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from installer.environment import clean_variables
from installer.errors import SetupError
from installer.openfx.compilers import Compiler
from installer.openfx.targets import Target

SOURCES = Path("plugin", "openfx", "src")
EXPORTS = Path("plugin", "openfx", "exports.map")
_WHAT = "The OpenFX plug-in"


def build(
    checkout: Path,
    compiler: Compiler,
    target: Target,
    out: Path,
    version: str,
    sanitizers: Sequence[str] = (),
) -> None:
    """Compile the plug-in of ``checkout`` for ``target`` into ``out``, a file that is whole or not there.

    ``sanitizers`` are such as ``address`` and ``undefined``, for tests.

    Raises:
        SetupError: when a source does not compile; it has the compiler's first error.
    """
    sources = sorted((checkout / SOURCES).glob("*.cpp"))
    with tempfile.TemporaryDirectory(prefix="void-openfx-") as folder:
        objects = [Path(folder) / f"{source.stem}.o" for source in sources]
        options = compiler.compile_options(target, version, sanitizers)

        def compile_one(pair: tuple[Path, Path]) -> None:
            source, compiled = pair
            _run([*compiler.command, *options, "-c", str(source), "-o", str(compiled)])

        with ThreadPoolExecutor(max_workers=max(1, min(8, os.cpu_count() or 1))) as threads:
            list(threads.map(compile_one, zip(sources, objects, strict=True)))
        linked = Path(folder) / out.name
        _run(
            [
                *compiler.command,
                *compiler.link_options(target, checkout / EXPORTS, sanitizers),
                *map(str, objects),
                *compiler.libraries(target),
                "-o",
                str(linked),
            ]
        )
        out.parent.mkdir(parents=True, exist_ok=True)
        whole = out.with_name(f".{out.name}.{os.getpid()}")
        shutil.copyfile(linked, whole)
        whole.chmod(0o755)
        whole.replace(out)


def fingerprint(checkout: Path, *others: str) -> str:
    """Return a text that changes when the sources or the ``others`` do."""
    digest = hashlib.sha256("\0".join(others).encode())
    for path in (*sorted((checkout / SOURCES).iterdir()), checkout / EXPORTS):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, env=clean_variables(), capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise SetupError(_WHAT, f"{command[0]} cannot be run ({error})", "name a compiler in CXX") from error
    if done.returncode != 0:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        first = next((line for line in said if "error" in line), said[-1] if said else "no message")
        remedy = "use a compiler with C++17: gcc 9, clang 10 or newer, or the ziglang package (--zig)"
        raise SetupError(_WHAT, f"it does not compile: {first.strip()}", remedy)
