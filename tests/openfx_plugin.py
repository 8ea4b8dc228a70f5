"""Gives tests the compiled OpenFX plug-in, built once from the sources as they are and kept in ``build/``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from installer.lock import exclusive
from installer.openfx import bundle
from installer.openfx.build import build, fingerprint
from installer.openfx.compilers import Compiler, system_compiler, zig_compiler
from installer.openfx.targets import Target, these_targets
from installer.project import ROOT, Project

BUILDS = ROOT / "build" / "openfx"
SANITIZERS = "VOID_TEST_OPENFX_SANITIZERS"
_MOST_KEPT = 4
_NO_COMPILER = "needs a C++ compiler: g++, clang++, or the package ziglang"


@cache
def compiler() -> Compiler:
    """The compiler of this machine; the test is skipped where there is none."""
    found = system_compiler() or zig_compiler(Path(sys.executable))
    if found is None:
        pytest.skip(_NO_COMPILER)
    return found


def target() -> Target:
    """What this machine runs."""
    return these_targets()[0]


@cache
def built_bundle(python: Path, sanitizers: Sequence[str] = ()) -> Path:
    """The bundle for this machine, whose bridge runs with ``python``. Built once for each state of sources.

    Every process that asks waits for the one that builds.
    """
    chosen = compiler()
    tag = fingerprint(ROOT, *chosen.command, *sanitizers, str(python))
    place = BUILDS / tag / bundle.FOLDER
    with exclusive(BUILDS / tag, lambda: None):
        if not (place.parent / "whole").exists():
            shutil.rmtree(place.parent, ignore_errors=True)
            version = Project().version
            bundle.write_frame(place, ROOT, version)
            bundle.write_note(place, bundle.Note(version, {target().system: str(python)}))
            build(ROOT, chosen, target(), bundle.binary_of(place, target()), version, sanitizers)
            (place.parent / "whole").touch()
            _forget_old()
    return place


def built_plugin(python: Path = Path(sys.executable)) -> Path:
    """The binary in that bundle, with the sanitizers that ``SANITIZERS`` names in the environment."""
    sanitizers = tuple(filter(None, os.environ.get(SANITIZERS, "").split(",")))
    return bundle.binary_of(built_bundle(python, sanitizers), target())


def _forget_old() -> None:
    """Keep the newest builds only, so that a checkout does not grow."""
    builds = sorted(BUILDS.iterdir(), key=os.path.getmtime, reverse=True)
    for old in builds[2 * _MOST_KEPT :]:
        shutil.rmtree(old, ignore_errors=True)
