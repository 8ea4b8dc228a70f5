"""The plug-in, compiled with AddressSanitizer and UndefinedBehaviorSanitizer, does everything it can."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from installer.project import ROOT
from tests.fakes.ofx_host.host import why_not_here
from tests.openfx_plugin import SANITIZERS, built_bundle, compiler

NAMES = ("address", "undefined")
LIBRARIES = ("libasan.so", "libubsan.so")


def runtimes() -> list[str]:
    """The libraries that have to be in the process before the plug-in; skips where the compiler has none."""
    chosen = compiler()
    if chosen.is_zig:
        pytest.skip("needs a compiler with sanitizers, such as g++")
    found = []
    for name in LIBRARIES:
        command = [*chosen.command, f"-print-file-name={name}"]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        if not Path(said).is_absolute():
            pytest.skip(f"the compiler has no {name}")
        found.append(said)
    return found


@pytest.mark.skipif(bool(why_not_here()), reason=why_not_here() or "it runs here")
def test_nothing_is_read_or_written_where_it_should_not() -> None:
    libraries = runtimes()
    built_bundle(Path(sys.executable), NAMES)  # before the libraries are in the way of the compiler
    environment = {
        **os.environ,
        SANITIZERS: ",".join(NAMES),
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python itself keeps memory until it ends
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "tests/unit/openfx/test_effect.py",
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    assert " passed" in done.stdout
