"""What a removal holds of large frames, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame

WIDTH, HEIGHT, FRAMES = 3000, 2000, 4
_PICTURE_BYTES = WIDTH * HEIGHT * 3 * 4
"""One picture as an engine works on it, in float32."""

_CHILD = """
import json, resource, sys
from void_protocol.job import (
    Format, Output, RegionSettings, RemovalJob, RotoPoint, RotoShape, Settings, ShapeFrame, Shot
)
from void_server.job_run import run_job
from void_server.translate import warm_engine

class Silent:
    def __getattr__(self, name):
        return lambda *given, **more: None

plate, output, width, height, frames = *sys.argv[1:3], *map(int, sys.argv[3:])
points = [RotoPoint(x * width / 10, y * height / 10) for x, y in ((4, 4), (6, 4), (6, 6), (4, 6))]
numbers = range(1, frames + 1)
job = RemovalJob(
    shot=Shot(
        name="m", plate=plate, first_frame=1, last_frame=frames, format=Format(width=width, height=height)
    ),
    shapes=[RotoShape(name="s", role="remove", frames=[ShapeFrame(frame=n, points=points) for n in numbers])],
    settings=Settings(engine="identity", region=RegionSettings(mode="full")),
    output=Output(pattern=output),
)
import cv2, void_engine.removal
warm_engine("identity")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run_job(job, Silent())
print(json.dumps([before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is counted in other units elsewhere")
def test_a_removal_holds_few_of_its_pictures(tmp_path: Path) -> None:
    for number in range(1, FRAMES + 1):
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.float16)
        write_frame(Frame.from_pixels(number, "RGB", pixels), tmp_path / f"p.{number}.exr")
    words = [_CHILD, tmp_path / "p.%d.exr", tmp_path / "out" / "r.%d.exr", WIDTH, HEIGHT, FRAMES]
    ran = subprocess.run(
        [sys.executable, "-c", *map(str, words)], capture_output=True, text=True, check=True, timeout=300
    )
    before, peak = json.loads(ran.stdout.splitlines()[-1])
    pictures = (peak - before) * 1024 / _PICTURE_BYTES
    # A result with its layers is 1.2 pictures, a frame with its mattes 2, and caches have 256 MiB each.
    assert pictures < 9, f"{pictures:.1f}"
    assert len(list((tmp_path / "out").iterdir())) == FRAMES
