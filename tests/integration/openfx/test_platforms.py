"""The plug-in for every platform, compiled by Zig where the package ``ziglang`` is installed."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from installer.openfx.build import build
from installer.openfx.compilers import zig_compiler
from installer.openfx.targets import TARGETS, Target
from installer.project import ROOT, Project

ELF_MACHINES = {"linux-x86_64": 62, "linux-arm64": 183}
MACH_PROCESSORS = {"macos-x86_64": 0x01000007, "macos-arm64": 0x0100000C}
WINDOWS_MACHINE = 0x8664


def machine_of(binary: bytes) -> tuple[str, int]:
    """The kind of a binary and the number of its processor."""
    if binary.startswith(b"\x7fELF"):
        return "ELF", struct.unpack_from("<H", binary, 18)[0]
    if binary.startswith(b"MZ"):
        header = struct.unpack_from("<I", binary, 0x3C)[0]
        return "PE", struct.unpack_from("<H", binary, header + 4)[0]
    magic, processor = struct.unpack_from("<II", binary)
    return ("Mach-O" if magic == 0xFEEDFACF else "unknown"), processor


def expected(target: Target) -> tuple[str, int]:
    if target.system == "linux":
        return "ELF", ELF_MACHINES[target.name]
    if target.system == "windows":
        return "PE", WINDOWS_MACHINE
    return "Mach-O", MACH_PROCESSORS[target.name]


@pytest.mark.slow
@pytest.mark.timeout(3600)  # Zig's first build for a platform makes its C++ library too
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_platform_compiles_without_a_warning(tmp_path: Path, target: Target) -> None:
    zig = zig_compiler(Path(sys.executable))
    if zig is None:
        pytest.skip("needs the package ziglang: pip install ziglang")

    out = tmp_path / "VoidRemove.ofx"
    build(ROOT, zig, target, out, Project().version)

    binary = out.read_bytes()
    assert machine_of(binary) == expected(target)
    for symbol in (b"OfxGetNumberOfPlugins", b"OfxGetPlugin"):
        assert symbol in binary
