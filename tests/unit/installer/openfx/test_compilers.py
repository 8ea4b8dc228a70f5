"""Which compiler is found, what it is asked for, and what comes of sources that do not compile."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from installer.errors import SetupError
from installer.openfx import targets
from installer.openfx.build import build, fingerprint
from installer.openfx.compilers import Compiler, system_compiler, zig_compiler
from installer.openfx.targets import TARGETS, these_targets
from installer.openfx.universal import join
from installer.project import ROOT
from tests.openfx_plugin import compiler

LINUX = TARGETS[0]
EXPORTS = Path("exports.map")


def a_compiler(folder: Path, says: str, status: int) -> Path:
    script = folder / "some compiler"
    script.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {status}\n")
    script.chmod(0o755)
    return script


@pytest.mark.skipif(os.name != "posix", reason="shell scripts stand for compilers")
def test_the_compiler_is_tried_before_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = a_compiler(tmp_path, "cannot find -lstdc++", 1)
    monkeypatch.setenv("CXX", f"'{script}'")
    assert system_compiler() is None

    a_compiler(tmp_path, "", 0)
    found = system_compiler()
    assert found is not None
    assert found.command == (str(script),)
    assert not found.is_zig


def test_a_python_without_zig_has_none(tmp_path: Path) -> None:
    assert zig_compiler(tmp_path / "python") is None


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_warnings_are_errors_and_zig_knows_the_machine(target: targets.Target) -> None:
    zig = Compiler(("zig",), is_zig=True)
    options = zig.compile_options(target, "1.2.3", ())

    assert {"-std=c++17", "-Werror", "-fvisibility=hidden", '-DVOID_VERSION="1.2.3"'} <= set(options)
    assert options[-2:] == ["-target", target.zig]
    assert ("-fPIC" in options) == (target.system != "windows")
    linking = zig.link_options(target, EXPORTS, ())
    assert "-shared" in linking
    assert ("-Wl,-install_name,VoidRemove.ofx" in linking) == (target.system == "macos")


def test_the_systems_own_library_is_linked_statically_except_for_sanitizers() -> None:
    own = Compiler(("g++",))
    assert "-static-libstdc++" in own.link_options(LINUX, EXPORTS, ())
    sanitized = own.link_options(LINUX, EXPORTS, ("address", "undefined"))
    assert "-static-libstdc++" not in sanitized
    assert "-fsanitize=address,undefined" in sanitized


def test_a_machine_that_is_not_known_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets.platform, "machine", lambda: "riscv64")
    with pytest.raises(SetupError, match=r"not built for .*riscv64"):
        these_targets()


def a_checkout(folder: Path, source: str) -> Path:
    sources = folder / "plugin" / "openfx" / "src"
    sources.mkdir(parents=True)
    (sources / "one.cpp").write_text(source)
    shutil.copyfile(ROOT / "plugin" / "openfx" / "exports.map", sources.parent / "exports.map")
    return folder


def test_a_source_that_does_not_compile_is_named(tmp_path: Path) -> None:
    chosen = compiler()
    checkout = a_checkout(tmp_path, "int one() { return nothing; }\n")
    out = tmp_path / "out" / "VoidRemove.ofx"

    with pytest.raises(SetupError, match=r"one\.cpp:1.*nothing"):
        build(checkout, chosen, these_targets()[0], out, "1")

    assert not out.exists()


def test_the_fingerprint_follows_sources_and_options(tmp_path: Path) -> None:
    checkout = a_checkout(tmp_path, "int one();\n")
    first = fingerprint(checkout, "g++")

    assert fingerprint(checkout, "g++") == first
    assert fingerprint(checkout, "clang++") != first
    (checkout / "plugin" / "openfx" / "src" / "one.cpp").write_text("int two();\n")
    assert fingerprint(checkout, "g++") != first


def test_only_thin_binaries_of_macos_are_joined() -> None:
    thin = b"\xcf\xfa\xed\xfe" + b"\x07\0\0\x01" + b"\x03\0\0\0" + b"x" * 100
    joined = join([thin, thin])
    assert joined[1 << 14 :].startswith(thin)
    assert joined[2 << 14 :].startswith(thin)
    for wrong in (b"", b"\x7fELF" + b"\0" * 60, joined):
        with pytest.raises(ValueError, match="not a Mach-O"):
            join([thin, wrong])
