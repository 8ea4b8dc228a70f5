"""A small reviewed shot: a plate, two versions of a result with layers, a verdict, written to a folder."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from void_engine.arrays import Float32Array
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.job import Format, Matte, Output, RemovalJob, Shot
from void_protocol.verdict import Finding, FrameEntry, Verdict, verdict_path, write_verdict

FIRST, LAST = 1001, 1004
WIDTH, HEIGHT = 48, 32
BOX = (slice(8, 24), slice(16, 32))


def plate_pixels(number: int) -> Float32Array:
    """Light from black to beyond white, other in each frame."""
    ramp = np.linspace(0.0, 4.0, WIDTH, dtype=np.float32) ** 2
    picture = np.stack([ramp, ramp[::-1], np.full_like(ramp, 0.18)], axis=1)[None] * np.ones((HEIGHT, 1, 1))
    return np.asarray(picture + 0.01 * (number - FIRST), np.float16).astype(np.float32)


def result_pixels(number: int, version: int) -> Float32Array:
    picture = plate_pixels(number)
    picture[BOX] = 0.1 * version
    return np.asarray(picture, np.float16).astype(np.float32)


def reviewed_job(folder: Path, name: str = "glass", versions: int = 2, verdict: bool = True) -> RemovalJob:
    """Write the shot below ``folder`` and return the job of its last version. The last version lacks its last
    frame."""
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    matte[BOX] = 1.0
    confidence = np.zeros_like(matte)
    confidence[8:16, 16:32], confidence[16:20, 16:32] = 1.0, 0.5
    for number in range(FIRST, LAST + 1):
        plate = Frame.from_pixels(number, ("R", "G", "B"), plate_pixels(number).astype(np.float16))
        plate = plate.with_metadata({"FramesPerSecond": 12.0})
        write_frame(plate, _file(folder / name / f"plate.{number}.exr"))
        for version in range(1, versions + 1):
            if (version, number) == (versions, LAST):
                continue
            frame = Frame.from_pixels(
                number, ("R", "G", "B"), result_pixels(number, version).astype(np.float16)
            )
            for layer, values in (("matte", matte), ("confidence", confidence)):
                frame = frame.with_layer(layer, {"A": values}, frame.display_window)
            write_frame(frame, _file(folder / name / f"clean_v{version:03d}.{number}.exr"))
    job = RemovalJob(
        shot=Shot(
            name=name,
            plate=str(folder / name / "plate.####.exr"),
            first_frame=FIRST,
            last_frame=LAST,
            format=Format(width=WIDTH, height=HEIGHT),
        ),
        mattes=[Matte(role="remove", pattern=str(folder / name / "clean_v001.####.exr"), channel="matte.A")],
        output=Output(pattern=str(folder / name / "clean_{version}.####.exr"), version=versions),
    )
    if verdict:
        write_verdict(the_verdict(job), verdict_path(job.output.versioned_pattern))
    return job


def the_verdict(job: RemovalJob) -> Verdict:
    """One good frame, one that is worth a look, one at fault, and one that is missing."""
    statuses = {FIRST: "green", FIRST + 1: "amber", FIRST + 2: "red"}
    severity = {"green": 0.2, "amber": 0.9, "red": 2.5}
    return Verdict(
        shot=job.shot.name,
        engine="propagation",
        result=job.output.versioned_pattern,
        first_frame=FIRST,
        last_frame=LAST,
        frames=[
            FrameEntry(
                frame=number,
                status=status,
                flags=["outline"] if status == "red" else [],
                severity={"outline": severity[status], "grain": 0.3},
                measures={},
                invented=0.25,
            )
            for number, status in statuses.items()
        ],
        missing=[LAST],
        findings=[
            Finding(
                flag="outline",
                frames="1003",
                worst=1003,
                text="An outline is left behind.",
                remedy="Grow the matte.",
            )
        ],
    )


def write_job(job: RemovalJob, path: Path) -> Path:
    path.write_bytes(msgspec.json.encode(job))
    return path


def _file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
