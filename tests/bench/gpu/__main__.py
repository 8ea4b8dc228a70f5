"""Measures the VOID engine on a GPU and prints a table. It needs this tree and its packages, and no network.

    python -m tests.bench.gpu [--minutes 8] [--tiny] [--device cuda:1] [--only step memory]

The real model's weights are drawn on the device. Without a CUDA device, or with ``--tiny``, everything runs
with the tiny model: then the table shows that each measurement works, and its figures mean nothing. Parts for
which no time is left are named. The exit status is 1 where an aim was missed or a part failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from tests.bench.gpu import children, memory, parity, speed
from tests.bench.gpu.random_models import REAL, make_folder
from tests.bench.gpu.rig import Rig, Row, Scale, Section, gib
from void_engine.diffusion.model.tiny import TINY, make_tiny

# The order is that of the table; what takes long and tells least comes last.
SECTIONS: Mapping[str, Section] = {
    "golden": parity.golden,
    "overflow": parity.overflow,
    "step": speed.step,
    "coding": speed.coding,
    "modes": memory.modes,
    "streaming": speed.streaming,
    "sharing": children.sharing,
    "ladder": memory.ladder,
    "length": memory.length,
    "caches": speed.caches,
    "growth": memory.growth,
    "compile": speed.compiled,
}
REAL_SCALE = Scale(
    size=REAL,
    canvas=(384, 672),
    window=85,
    overlap=16,
    steps=8,
    lengths=(85, 197, 400),
    removals=200,
    times=3,
)
TINY_SCALE = Scale(
    size=TINY, canvas=(32, 48), window=13, overlap=8, steps=6, lengths=(13, 29, 45), removals=12, times=1
)


def main(arguments: list[str]) -> int:
    """Measure, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=8.0, help="No part is begun after this time.")
    parser.add_argument("--tiny", action="store_true", help="The tiny model, on a GPU too.")
    parser.add_argument(
        "--device", default="", help="cuda, cuda:1, cpu; by default a GPU where there is one."
    )
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="Only these parts of the table.")
    parser.add_argument("--removals", type=int, help="How many removals are made in a row.")
    given = parser.parse_args(arguments)
    device = chosen_device(given.device)
    tiny = given.tiny or device.type != "cuda"
    scale = TINY_SCALE if tiny else REAL_SCALE
    if given.removals:
        scale = replace(scale, removals=given.removals)
    # Nothing may be asked of a hub, and nothing of other runs may be found.
    os.environ["HF_HUB_OFFLINE"] = "1"
    before = os.environ.get("VOID_CACHE")
    with tempfile.TemporaryDirectory(prefix="void-gpu-bench-") as work:
        os.environ["VOID_CACHE"] = str(Path(work) / "cache")
        try:
            rig = Rig(
                device, scale, make_folder(Path(work) / "models", scale.size),
                make_tiny(Path(work) / "tiny"), Path(work),
            )  # fmt: skip
            print(heading(rig, tiny), flush=True)
            return measure(rig, given.only or list(SECTIONS), given.minutes * 60)
        finally:
            del os.environ["VOID_CACHE"]
            if before is not None:
                os.environ["VOID_CACHE"] = before


def chosen_device(name: str) -> torch.device:
    """The device of this name, a GPU with its number; by default a GPU where there is one."""
    device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return device


def heading(rig: Rig, tiny: bool) -> str:
    """What the figures below were measured with."""
    import diffusers

    model = "the tiny model: figures mean nothing" if tiny else "the real size, random weights"
    lines = [f"torch {torch.__version__}, diffusers {diffusers.__version__}, {model}"]
    if rig.on_gpu:
        about = torch.cuda.get_device_properties(rig.device)
        lines.append(
            f"{about.name}, {gib(about.total_memory)}, compute {about.major}.{about.minor}, "
            f"CUDA {torch.version.cuda}"
        )
    else:
        lines.append("no GPU: on the CPU, where nothing is judged that only a GPU can tell")
    return "\n".join(lines)


def measure(rig: Rig, names: list[str], seconds: float) -> int:
    """Print the rows of all parts for which there is time, and return the exit status."""
    begun, missed = time.monotonic(), 0
    for name in names:
        spent = time.monotonic() - begun
        if spent > seconds:
            print(f"\n{name}: left out, {spent:.0f} s are over; give --minutes or --only {name}", flush=True)
            continue
        print(f"\n{name}", flush=True)
        try:
            for row in SECTIONS[name](rig):
                print(line(row), flush=True)
                missed += row.ok is False
        except Exception as error:  # noqa: BLE001 - the other parts are worth their figures all the same
            print(line(Row(name, f"failed: {type(error).__name__}: {error}", ok=False)), flush=True)
            missed += 1
        rig.clear()
    print(f"\n{time.monotonic() - begun:.0f} s, {missed} aims missed", flush=True)
    return 1 if missed else 0


def line(row: Row) -> str:
    """One row as text."""
    mark = {True: "ok", False: "MISSED", None: "--"}[row.ok]
    aim = f"   (aim: {row.aim})" if row.aim else ""
    return f"  {mark:6} {row.what:52} {row.figure}{aim}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
