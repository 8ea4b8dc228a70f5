"""The plug-in's functions that need no host, compiled into a library of their own."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest

from installer.lock import exclusive
from installer.openfx.build import SOURCES, fingerprint
from installer.openfx.compilers import Compiler
from installer.project import ROOT
from tests.openfx_plugin import BUILDS, compiler, target

DRIVER = Path(__file__).with_name("driver.cpp")
PARTS = ("compose", "framing", "pixels", "process")


def build_driver(chosen: Compiler, library: Path) -> None:
    """Compile the driver in the place of those of other sources."""
    library.parent.mkdir(parents=True, exist_ok=True)
    for old in library.parent.glob("driver-*"):
        old.unlink(missing_ok=True)
    options = chosen.compile_options(target(), "0", ())
    options = ["-O1" if option == "-O2" else option for option in options if option != "-fvisibility=hidden"]
    sources = [ROOT / SOURCES / f"{part}.cpp" for part in PARTS]
    made = library.with_suffix(".new")
    command = [
        *chosen.command,
        *options,
        "-shared",
        f"-I{ROOT / SOURCES}",
        str(DRIVER),
        *map(str, sources),
    ]
    subprocess.run([*command, "-o", str(made)], check=True)
    made.replace(library)


@pytest.fixture(scope="session")
def driver() -> ctypes.CDLL:
    chosen = compiler()
    tag = fingerprint(ROOT, *chosen.command, DRIVER.read_text(encoding="utf-8"))
    library = BUILDS / f"driver-{tag}.so"
    with exclusive(BUILDS / "driver", lambda: None):  # every worker that asks waits for the one that builds
        if not library.is_file():
            build_driver(chosen, library)
    loaded = ctypes.CDLL(str(library))
    loaded.driver_from_half.restype = ctypes.c_float
    loaded.driver_from_half.argtypes = [ctypes.c_uint16]
    loaded.driver_to_half.restype = ctypes.c_uint16
    loaded.driver_to_half.argtypes = [ctypes.c_float]
    loaded.driver_reframe.restype = ctypes.c_longlong
    loaded.driver_reframe.argtypes = [
        *(ctypes.c_char_p, ctypes.c_longlong, ctypes.c_longlong, ctypes.c_char_p, ctypes.c_longlong)
    ]
    loaded.driver_number.restype = ctypes.c_longlong
    loaded.driver_number.argtypes = [ctypes.c_double, ctypes.c_char_p, ctypes.c_longlong]
    loaded.driver_parse.restype = ctypes.c_double
    loaded.driver_parse.argtypes = [ctypes.c_char_p]
    loaded.driver_compose.argtypes = [
        *(ctypes.c_void_p, ctypes.c_longlong, ctypes.c_int, ctypes.c_int, ctypes.c_int),
        *(ctypes.c_void_p, ctypes.c_int),
        *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_double, ctypes.c_double),
    ]
    return loaded
