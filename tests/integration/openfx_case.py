"""What the tests of the OpenFX plug-in share: footage with known truth, hosts with the plug-in, and
waiting.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from tests.fakes.ofx_host.actions import children
from tests.fakes.ofx_host.host import Host
from tests.fakes.ofx_host.images import Box, Source
from tests.fakes.ofx_host.instance import Instance
from tests.fakes.ofx_host.profiles import Profile
from tests.integration.server_case import CHECKOUT
from void_server.demo.shot import render_demo_shot

FIRST = 1001
_OVERSCAN_PX = 4
OTHER_ENGINE = 3
PROPAGATION = 1
SHOW = {
    "result": 0,
    "plate": 1,
    "difference": 2,
    "quadmask": 3,
    "matte": 4,
    "confidence": 5,
    "proposal": 6,
}


@dataclass(frozen=True)
class Footage:
    """Frames by number: rows bottom-up x columns x RGBA, float32 values that half holds exactly."""

    plates: dict[float, np.ndarray]
    truths: dict[float, np.ndarray]
    mattes: dict[float, np.ndarray]
    box: Box
    format_box: Box
    folder: Path

    @property
    def frames(self) -> tuple[float, float]:
        """The first and the last frame."""
        return min(self.plates), max(self.plates)

    def sources(self, **changes: Any) -> dict[str, Source]:
        """What is connected to the effect: the plate and the matte of what goes."""
        return {
            "Source": Source(self.plates.get, self.box, self.frames),
            "Remove": Source(self.mattes.get, self.box, self.frames),
            **changes,
        }


def render_footage(folder: Path, *, width: int = 192, height: int = 108, frames: int = 6) -> Footage:
    """Render the demo shot; its mattes are where the object or its shadow changed the picture."""
    render_demo_shot(
        folder, width=width, height=height, frames=frames, first_frame=FIRST, overscan_px=_OVERSCAN_PX
    )
    return footage_of(folder)


def footage_of(folder: Path) -> Footage:
    """Read footage that was rendered into a folder, maybe by another process."""
    plates, truths, mattes = {}, {}, {}
    box: Box = (0, 0, 0, 0)
    for path in sorted(folder.glob("plate.*.exr")):
        number = float(path.name.split(".")[1])
        plates[number], box = read_exr(path)
        truths[number], _ = read_exr(path.with_name(path.name.replace("plate", "truth")))
        changed = (plates[number] != truths[number]).any(axis=2)
        wide = changed.copy()
        for axis in (0, 1):
            for step in (-2, -1, 1, 2):
                wide |= np.roll(changed, step, axis)
        mattes[number] = np.repeat(wide[..., None], 4, axis=2).astype(np.float32)
    format_box = (0, 0, box[2] - _OVERSCAN_PX, box[3] - _OVERSCAN_PX)
    return Footage(plates, truths, mattes, box, format_box, folder)


def read_exr(path: Path) -> tuple[np.ndarray, Box]:
    """Return a file's RGB with an alpha of 1, rows bottom-up, and its data window with y up."""
    file = oiio.ImageInput.open(str(path))
    assert file is not None, oiio.geterror()
    spec = file.spec()
    picture = np.asarray(file.read_image(0, 3, "float"), np.float32).reshape(spec.height, spec.width, 3)
    file.close()
    alpha = np.ones((*picture.shape[:2], 1), np.float32)
    low = spec.full_height - (spec.y + spec.height)
    box = (spec.x, low, spec.x + spec.width, low + spec.height)
    return np.concatenate([picture[::-1], alpha], axis=2), box


def python_of_this_checkout(folder: Path) -> Path:
    """Return a Python for the bridge that finds this checkout, whatever is installed in the environment."""
    script = folder / "bridge_python"
    own = os.pathsep.join(str(CHECKOUT / part) for part in ("", "plugin", "server"))
    lines = [
        "#!/bin/sh",
        '[ "$1" = "-I" ] && shift',
        "unset LD_PRELOAD",
        f'PYTHONPATH="{own}" exec "{sys.executable}" "$@"',
    ]
    script.write_text("\n".join(lines) + "\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def effect(host: Host, footage: Footage, folder: Path, **options: Any) -> Instance:
    """Make an effect on the footage, whose results go to a folder."""
    values = {"folder": [str(folder)], "engine": [PROPAGATION], **options.pop("values", {})}
    return host.instance(
        options.pop("sources", None) or footage.sources(),
        box=footage.format_box,
        frames=options.pop("frames", footage.frames),
        values=values,
        **options,
    )


def identity(**more: list[Any]) -> dict[str, list[Any]]:
    """Values of an effect whose engine gives the plate back: only the ways there and back are looked at."""
    return {"engine": [OTHER_ENGINE], "engineName": ["identity"], **more}


def remove(made: Instance, *, timeout_s: float = 90.0) -> None:
    """Press Remove and wait until the removal has ended."""
    before = made.value("record")
    made.press("remove")
    assert made.value("record") not in ("", before), made.value("status")
    wait(made, timeout_s=timeout_s)


def wait(made: Instance, *, timeout_s: float = 90.0) -> None:
    """Press Refresh until the status no longer asks for it."""
    until(lambda: refreshed(made), made, timeout_s)


def refreshed(made: Instance) -> bool:
    """Press Refresh and say whether the removal has ended."""
    made.press("refresh")
    return "Press Refresh" not in made.value("status")


def until(condition: Callable[[], bool], made: Instance, timeout_s: float = 60.0) -> None:
    """Wait for something that the effect comes to."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{made.value('status')}\n{made.value('log')}"
        time.sleep(0.1)


def bridges() -> list[int]:
    """Return the process ids of this process's bridges."""
    return [
        int(child)
        for child in children()
        if b"openfx-bridge" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    ]


def session_of(profile: Profile, binary: Path) -> Host:
    """Return a host with the plug-in."""
    return Host(profile, binary, bundle=binary.parents[2])
