"""Packages as a studio would install them: one that brings an engine, and one that is broken."""

from __future__ import annotations

from pathlib import Path

_INFO = """
from dataclasses import dataclass

from void_engine.engines.info import EngineInfo
from void_engine.engines.options import option, options_of


@dataclass(frozen=True)
class FlatOptions:
    level: float = option(0.25, "The level that everything gets.", low=0, high=8)


INFO = EngineInfo(
    name="flat",
    title="Flat colour",
    summary="Paints what goes in one level.",
    factory="studio_flat.engine:FlatEngine",
    part_overlap=0,
    options=options_of(FlatOptions),
    presets={"finest": {"level": 4.0}},
    variables=("FLAT_LICENCE",),
)
"""

_ENGINE = """
import numpy as np

from studio_flat.info import FlatOptions
from void_engine.engines.interface import CleanFrame
from void_engine.engines.options import read_options


class FlatEngine:
    name = "flat"
    wants_full_frame = False
    region_aspect = None
    record = {}

    def remove(self, shot, request, monitor):
        level = read_options(FlatOptions, self.name, request.options).level
        for step, number in enumerate(shot.frame_numbers):
            monitor.progress("paint", step, len(shot.frame_numbers), number)
            if request.wants(number):
                yield CleanFrame(number, np.full((shot.height, shot.width, 3), level, np.float32))
"""


def install(folder: Path, package: str, entry_points: str, **modules: str) -> None:
    """Put a package and its metadata where Python finds both once ``folder`` is on its path."""
    (folder / package).mkdir(parents=True)
    for name, text in {"__init__": "", **modules}.items():
        (folder / package / f"{name}.py").write_text(text)
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir()
    name = package.replace("_", "-")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[void_nuke.engines]\n{entry_points}\n")


def install_flat_engine(folder: Path) -> None:
    """The engine ``flat``: it paints one level, by default 0.25."""
    install(folder, "studio_flat", "flat = studio_flat.info:INFO", info=_INFO, engine=_ENGINE)


def install_broken_engine(folder: Path) -> None:
    """The engine ``broken``, whose package does not import, ``leaves``, whose package ends the process, and
    claims on names of others."""
    points = "broken = studio_broken:INFO\npropagation = studio_broken:INFO\nBad Name = studio_broken:INFO"
    install(folder, "studio_broken", points)
    (folder / "studio_broken" / "__init__.py").write_text("import a_package_that_nobody_has\n")
    install(folder, "studio_leaves", "leaves = studio_leaves:INFO")
    (folder / "studio_leaves" / "__init__.py").write_text("raise SystemExit('no licence here')\n")
