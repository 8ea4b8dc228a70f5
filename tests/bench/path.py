"""Measures how much the whole path costs beside plain reading and writing.

The identity engine runs from EXR to EXR through a real server process, by turns with a plain loop that reads
and writes the same files with OpenImageIO on the same machine. Ratios of speed are printed (the loop's
seconds over the path's): 1 is as fast as the loop, and more is faster, since the path reads and writes on
threads. The peak memory of every process is printed for a short and a long shot, and must not grow; for 4K
and 6K it is also told in pictures of float32, as engines work on them.

    python tests/bench/path.py [--frames 100] [--long 1000] [--rounds 3] [--large 5] [--compression zip]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its customary name

from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.client import Client
from void_protocol.job import (
    DEFAULT_LAYERS,
    Format,
    Output,
    RegionSettings,
    RemovalJob,
    RotoPoint,
    RotoShape,
    Settings,
    ShapeFrame,
    Shot,
)
from void_protocol.messages import JobState
from void_server.operation.server_process import ServerProcess
from void_server.settings import ServerSettings

HD = (1920, 1080)
LARGE = {"4K": (4096, 2160), "6K": (6048, 4032)}
FIRST = 1001
DISTINCT = 25
"""Frames with pixels of their own; the rest are hard links to them, so that a long shot fits on a disk."""


def picture(seed: int, size: tuple[int, int]) -> np.ndarray:
    """Make a plate-like picture of light, edges and grain; noise alone would not compress as plates do."""
    random = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 0.2 + 0.15 * np.sin(x / 173 + seed) * np.cos(y / 91)
    light[(np.hypot(x - 300 - 12 * seed, y - 500) < 160)] *= 6.0
    channels = np.stack([light, light * 0.8, light * 0.6], axis=-1)
    grain = random.normal(0.0, 0.01, channels.shape).astype(np.float32)
    return (channels + grain * np.sqrt(np.abs(channels))).astype(np.float16)


def write_plate(folder: Path, frames: int, compression: str, size: tuple[int, int] = HD) -> str:
    folder.mkdir(parents=True)
    for index in range(frames):
        path = folder / f"plate.{FIRST + index:05d}.exr"
        if index < DISTINCT:
            write_frame(
                Frame.from_pixels(FIRST + index, ("R", "G", "B"), picture(index, size)), path, compression
            )
        else:
            os.link(folder / f"plate.{FIRST + index % DISTINCT:05d}.exr", path)
    return str(folder / "plate.%05d.exr")


def make_job(
    plate: str,
    output: Path,
    frames: int,
    compression: str,
    size: tuple[int, int] = HD,
    *,
    whole: bool = False,
) -> RemovalJob:
    """Make the job. With ``whole`` the engine sees the whole frame, and results have the usual layers."""
    points = [RotoPoint(900, 400), RotoPoint(1100, 400), RotoPoint(1100, 600), RotoPoint(900, 600)]
    numbers = range(FIRST, FIRST + frames)
    return RemovalJob(
        shot=Shot(
            name="path",
            plate=plate,
            first_frame=numbers[0],
            last_frame=numbers[-1],
            format=Format(width=size[0], height=size[1]),
        ),
        shapes=[
            RotoShape(
                name="square",
                role="remove",
                frames=[ShapeFrame(frame=number, points=points) for number in numbers],
            )
        ],
        settings=Settings(engine="identity", region=RegionSettings(mode="full" if whole else "auto")),
        output=Output(
            pattern=str(output / "out.%05d.exr"),
            compression=compression,
            layers=list(DEFAULT_LAYERS) if whole else [],
        ),
    )


def plain_loop(plate: str, output: Path, frames: int) -> float:
    """The seconds that it takes to read every frame and write it again, and nothing else."""
    output.mkdir(parents=True)
    began = time.perf_counter()
    for number in range(FIRST, FIRST + frames):
        source = oiio.ImageInput.open(plate % number)
        spec = source.spec()
        pixels = source.read_image(oiio.HALF)
        source.close()
        path = str(output / f"out.{number:05d}.exr")
        target = oiio.ImageOutput.create(path)
        target.open(path, spec)
        target.write_image(pixels)
        target.close()
    return time.perf_counter() - began


def through_server(client: Client, job: RemovalJob, transfer: str) -> float:
    """The seconds from the submission to the last frame in place."""
    Path(job.output.pattern).parent.mkdir(parents=True)
    began = time.perf_counter()
    info = client.submit(job, transfer=transfer).done.result()
    seconds = time.perf_counter() - began
    if info.state is not JobState.DONE:
        raise SystemExit(f"the job ended as {info.state.value}: {info.message}")
    return seconds


def peak_mib(pid: int) -> float:
    """The largest resident memory of a process so far, from Linux's /proc; 0 elsewhere."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def same_pixels(plate: str, output: Path, frames: int) -> bool:
    """Whether the first, a middle and the last result are the plate, bit for bit."""
    for number in (FIRST, FIRST + frames // 2, FIRST + frames - 1):
        a, b = (
            oiio.ImageInput.open(str(path)).read_image(oiio.HALF)
            for path in (plate % number, output / f"out.{number:05d}.exr")
        )
        # OpenImageIO gives red, green and blue first, and the layers of a result after them.
        if not np.array_equal(a.view(np.uint16), b[..., : a.shape[2]].view(np.uint16)):
            return False
    return True


def measure_speed(folder: Path, frames: int, rounds: int, compression: str) -> None:
    plate = write_plate(folder / "plate", frames, compression)
    settings = ServerSettings(home=folder / "home", endpoint="tcp://127.0.0.1:0")
    ratios: dict[str, list[float]] = {"paths": [], "streamed": []}
    with ServerProcess(settings) as server, Client(server.connection()) as client:
        client.wait_connected()
        warm = make_job(plate, folder / "warm", min(frames, 4), compression)
        through_server(client, warm, "paths")
        for _ in range(rounds):
            loop = plain_loop(plate, folder / "loop", frames)
            shutil.rmtree(folder / "loop")
            for transfer, found in ratios.items():
                output = folder / transfer
                seconds = through_server(client, make_job(plate, output, frames, compression), transfer)
                assert same_pixels(plate, output, frames)
                found.append(loop / seconds)
                shutil.rmtree(output)
            print(
                f"loop {loop:.1f} s, by path x{ratios['paths'][-1]:.2f}, "
                f"streamed x{ratios['streamed'][-1]:.2f}"
            )
    for transfer, aim in (("paths", 0.7), ("streamed", 0.5)):
        median = statistics.median(ratios[transfer])
        print(f"{transfer}: {median:.2f} of the plain loop's speed (aim at least {aim})")


def measure_memory(folder: Path, lengths: list[int], compression: str) -> None:
    for transfer in ("paths", "streamed"):
        for frames in lengths:
            here = folder / f"memory_{transfer}_{frames}"
            plate = write_plate(here / "plate", frames, compression)
            settings = ServerSettings(home=here / "home", endpoint="tcp://127.0.0.1:0")
            with ServerProcess(settings) as server, Client(server.connection()) as client:
                client.wait_connected()
                through_server(client, make_job(plate, here / "out", frames, compression), transfer)
                workers = [peak_mib(pid) for pid in children(server.pid)]
                print(
                    f"{transfer}, {frames} frames: peak MiB broker {peak_mib(server.pid):.0f}, "
                    f"worker {max(workers, default=0):.0f}, client {peak_mib(os.getpid()):.0f}"
                )
            shutil.rmtree(here)


def measure_large(folder: Path, frames: int, compression: str) -> None:
    """Compare speed by path for larger plates, and tell the worker's memory for whole frames with layers."""
    for name, size in LARGE.items():
        here = folder / name
        plate = write_plate(here / "plate", frames, compression, size)
        ratios = []
        for whole in (False, True):
            settings = ServerSettings(home=here / f"home{whole}", endpoint="tcp://127.0.0.1:0")
            with ServerProcess(settings) as server, Client(server.connection()) as client:
                client.wait_connected()
                if not whole:
                    loop = plain_loop(plate, here / "loop", frames)
                    shutil.rmtree(here / "loop")
                job = make_job(plate, here / "out", frames, compression, size, whole=whole)
                seconds = through_server(client, job, "paths")
                assert same_pixels(plate, here / "out", frames)
                shutil.rmtree(here / "out")
                peak = max((peak_mib(pid) for pid in children(server.pid)), default=0.0)
                ratios.append((loop / seconds, peak * 2**20 / (size[0] * size[1] * 12)))
        (speed, part), (_, full) = ratios
        print(
            f"{name} {size[0]}x{size[1]}: by path x{speed:.2f} of the plain loop; the worker's peak is "
            f"{part:.1f} pictures, with whole frames and layers {full:.1f}"
        )
        shutil.rmtree(here)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--long", type=int, default=1000, help="length for the memory test; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=3, help="0 leaves the speed test out")
    parser.add_argument("--large", type=int, default=5, help="frames of 4K and 6K; 0 leaves them out")
    parser.add_argument("--compression", default="zip")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="void-path-") as name:
        if options.rounds:
            measure_speed(Path(name) / "speed", options.frames, options.rounds, options.compression)
        if options.large:
            measure_large(Path(name), options.large, options.compression)
        if options.long:
            measure_memory(Path(name), [options.frames, options.long], options.compression)


if __name__ == "__main__":
    main()
