"""Measures the OpenFX plug-in with its real bridge: ``python -m tests.bench.openfx [--frames 100]``.

Three figures, each beside something in the same run:

- handing a plate and a matte over, against copying the same bytes in memory;
- a render of a finished frame, against reading its EXR with OpenImageIO;
- the longest time for which a press of a button or a change on the node holds the host up.

The host is the one of the tests, whose own time (making images, checking them) is taken off.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO

from tests.fakes.ofx_host import profiles
from tests.fakes.ofx_host.host import Host
from tests.fakes.ofx_host.images import Source
from tests.fakes.ofx_host.instance import Instance
from tests.openfx_plugin import built_plugin

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 1920, 1080
BOX = (0, 0, WIDTH, HEIGHT)
FEW = 8
"""Frames of the removal whose result is rendered."""
AIM_HELD_MS = 50.0


class Clock:
    """The time that passes in the plug-in, without what the host does for it meanwhile."""

    def __init__(self, node: Instance) -> None:
        self.plugin_s = self.host_s = 0.0
        self.longest_s = 0.0
        self._watch(node, "fetch")
        self._watch(node.host, "release")
        act = node.act

        def timed(name: str, *given: Any, **more: Any) -> Any:
            begun, host_before = time.perf_counter(), self.host_s
            try:
                return act(name, *given, **more)
            finally:
                took = time.perf_counter() - begun - (self.host_s - host_before)
                self.plugin_s += took
                self.longest_s = max(self.longest_s, took)

        node.act = timed  # type: ignore[method-assign]

    def _watch(self, owner: Any, name: str) -> None:
        call: Callable[..., Any] = getattr(owner, name)

        def timed(*given: Any, **more: Any) -> Any:
            begun = time.perf_counter()
            try:
                return call(*given, **more)
            finally:
                self.host_s += time.perf_counter() - begun

        setattr(owner, name, timed)

    @contextmanager
    def lap(self) -> Iterator[list[float]]:
        """Give the plug-in's seconds of a piece of work, in a list that is filled at its end."""
        found: list[float] = []
        before = self.plugin_s
        yield found
        found.append(self.plugin_s - before)


def plate(time_: float) -> np.ndarray:
    """A frame of the plate: a gradient that moves, so that compression has something to do."""
    across = (np.arange(WIDTH, dtype=np.float32) + 7 * time_) % 256 / 256
    up = np.arange(HEIGHT, dtype=np.float32)[:, None] / HEIGHT
    picture = np.ones((HEIGHT, WIDTH, 4), np.float32)
    picture[..., 0], picture[..., 1], picture[..., 2] = across, up, across * up
    return picture


def matte(_time: float) -> np.ndarray:
    """A square in the middle."""
    picture = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    picture[400:700, 800:1200] = 1
    return picture


def node_of(host: Host, frames: int, folder: Path) -> Instance:
    """The effect on a plate of so many frames, with pictures that cost the host little."""
    plates = [plate(number) for number in range(4)]
    mask = matte(0)
    made = host.instance(
        {
            "Source": Source(lambda frame: plates[int(frame) % 4], BOX, (1, frames)),
            "Remove": Source(lambda _frame: mask, BOX, (1, frames)),
        },
        box=BOX,
        frames=(1, frames),
    )
    made.set("engine", 3)
    made.set("engineName", "identity")
    made.set("folder", str(folder))
    return made


def hand_over(frames: int, folder: Path) -> None:
    """Print what handing a plate over costs beside copying it."""
    host = Host(profiles.NUKE, built_plugin())
    node = node_of(host, frames, folder)
    node.press("refresh")
    source, target = plate(0), np.empty((HEIGHT, WIDTH, 4), np.float32)
    mask, mask_target = matte(0)[..., 3].copy(), np.empty((HEIGHT, WIDTH), np.float32)
    copied = []
    for _ in range(3):
        begun = time.perf_counter()
        for _ in range(frames):
            np.copyto(target, source)
            np.copyto(mask_target, mask)
        copied.append(time.perf_counter() - begun)
    clock = Clock(node)
    with clock.lap() as took:
        node.press("remove")
    gigabytes = frames * (source.nbytes + mask.nbytes) / 1e9
    print(f"hand-over of {frames} frames {WIDTH}x{HEIGHT} RGBA float with mattes, {gigabytes:.2f} GB")
    speed = min(copied) / took[0]
    print(f"  {took[0]:.2f} s; copied in memory {min(copied):.2f} s: {speed:.2f} of its speed (aim 0.3)")
    print(f"  status: {node.value('status')}")
    node.press("cancel")
    host.close()


def finished_frames(folder: Path) -> None:
    """Print what renders of finished frames cost beside reading the files, and how long the host is held."""
    host = Host(profiles.NUKE, built_plugin())
    node = node_of(host, FEW, folder)
    node.press("remove")
    clock = Clock(node)
    deadline = time.monotonic() + 600
    while "Finished" not in node.value("status") and time.monotonic() < deadline:
        time.sleep(0.2)
        node.press("refresh")
        node.go_to(1 + int(time.monotonic()) % FEW)
    held = clock.longest_s
    files = sorted(folder.glob("*/*.exr"))
    if len(files) != FEW:
        sys.exit(f"the removal did not finish: {node.value('status')}")
    rendered, read = [], []
    for number, file in enumerate(files, 1):
        begun = time.perf_counter()
        opened = OpenImageIO.ImageInput.open(str(file))
        opened.read_image(0, 0, 0, 4, "float")
        opened.close()
        read.append(time.perf_counter() - begun)
        with clock.lap() as took:
            node.render(number)
        rendered += took
    again = []
    for number in range(1, FEW + 1):
        with clock.lap() as took:
            node.render(number, window=(0, 0, WIDTH, 64))
        again += took
    ratio = np.median(rendered) / np.median(read)
    print(f"render of a finished frame: {np.median(rendered) * 1000:.0f} ms")
    print(
        f"  OpenImageIO reads it in {np.median(read) * 1000:.0f} ms: {ratio:.2f} of that (aim: at most 1.3)"
    )
    print(f"  a tile of a frame that was shown already: {np.median(again) * 1000:.1f} ms")
    print(f"longest hold of the host outside of both: {held * 1000:.0f} ms (aim {AIM_HELD_MS:.0f})")
    host.close()


def main() -> None:
    """Print all figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--frames", type=int, default=100)
    frames = options.parse_args().frames
    with tempfile.TemporaryDirectory(prefix="void-openfx-bench-") as name:
        folder = Path(name)
        wrapper = folder / "python"
        paths = os.pathsep.join(str(ROOT / part) for part in ("plugin", "server", ""))
        wrapper.write_text(f'#!/bin/sh\nshift\nPYTHONPATH="{paths}" exec "{sys.executable}" "$@"\n')
        wrapper.chmod(0o755)
        os.environ |= {"VOID_OPENFX_PYTHON": str(wrapper), "VOID_HOME": str(folder / "home")}
        finished_frames(folder / "few")
        hand_over(frames, folder / "many")


if __name__ == "__main__":
    main()
