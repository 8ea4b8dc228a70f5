"""What the tests of farm bundles share: small shots, bundles of them, and a real ``openjd``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.command_case import void, write_shot

BIN = Path(sys.executable).parent
VOID = BIN / ("void.exe" if os.name == "nt" else "void")
OPENJD = BIN / ("openjd.exe" if os.name == "nt" else "openjd")
FIRST, LAST = 1001, 1012
LIMIT_S = 240
STEPS = ["prepare", "remove", "merge", "check"]
WORDS = (
    "--priority", "70", "--pool", "comp", "--department", "paint", "--retries", "2", "--limit", "licence",
    "--limit", "disk", "--machine-limit", "5", "--tag", "gpu-a", "--timeout-s", "45", "--memory-mib", "1500",
)  # fmt: skip
"""Every option that tells a dispatcher about the jobs."""


def farm_job(folder: Path, *, engine: str = "identity", name: str = "sh010", frames: int = 12) -> Path:
    """A job of a small shot in a folder of its own."""
    shot = folder / name
    plate = write_shot(shot, range(FIRST, FIRST + frames))
    job = folder / f"{name}.json"
    ran = void(
        "new", job, "--plate", plate, "--remove", f"{plate}:matte.A", "--engine", engine, "--name", name,
        "--output", shot / "out" / "r_{version}.%04d.exr",
        *(("--prompt", "an empty road") if engine == "void" else ()),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    return job


def bundle(folder: Path, *jobs: Path, to: str = "openjd", options: tuple[str, ...] = ()) -> Path:
    """A bundle of jobs, in small pieces; its folder."""
    target = folder / "bundle"
    ran = void(
        "farm", "bundle", *jobs, "--to", to, "-o", target, "--void", VOID, "--scratch", folder / "scratch",
        "--part-frames", "6", "--chunk-frames", "6", "--grace-s", "20", *options,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    return target


def openjd_command(folder: Path, step: str, *options: str) -> list[str]:
    values = (folder / "openjd_values.yaml").as_uri()
    return [
        str(OPENJD), "run", str(folder / "template.yaml"), "--step", step, "-p", values, *options,
    ]  # fmt: skip


def openjd(folder: Path, step: str, *options: str) -> subprocess.CompletedProcess[str]:
    """``openjd run`` of a step, for real."""
    return subprocess.run(
        openjd_command(folder, step, *options),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def results(folder: Path, name: str = "sh010") -> dict[str, bytes]:
    """The frames of the result; the verdict beside them is not of their bytes."""
    return {path.name: path.read_bytes() for path in sorted((folder / name / "out").glob("*.exr"))}
