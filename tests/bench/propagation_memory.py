"""Measures the peak memory of the propagation engine on 100 and on 1,000 frames, each in its own process.

python -m tests.bench.propagation_memory --frames 100 1000
python -m tests.bench.propagation_memory --frames 8 --width 3840 --caches-mib 0   4K, the engine's own
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import cv2
import numpy as np

from void_engine.arrays import Float32Array
from void_engine.engines.interface import EngineRequest, ShotFrame
from void_engine.propagation import working_set
from void_engine.propagation.engine import PropagationEngine
from void_engine.propagation.in_memory import SilentMonitor


class EndlessShot:
    """A slow pan over noise, with a box that crosses again and again; frames are made on demand."""

    pixel_aspect = 1.0

    def __init__(self, frames: int, width: int, height: int) -> None:
        self.frame_numbers = range(1, frames + 1)
        self.width, self.height = width, height
        noise = np.random.default_rng(0).normal(0, 1, (height, 3 * width, 3)).astype(np.float32)
        blurred = cv2.GaussianBlur(noise, (0, 0), 3.0)
        self._still = (0.4 + 0.15 * blurred / blurred.std()).astype(np.float32)

    def frame(self, number: int) -> ShotFrame:
        u = number % 120
        shift = np.array([[1, 0, self.width * (1 + 0.8 * np.sin(number / 40))], [0, 1, 0]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        plate = np.asarray(
            cv2.warpAffine(self._still, shift, (self.width, self.height), flags=flags), np.float32
        )
        remove = np.zeros((self.height, self.width), np.float32)
        left = int(u / 120 * self.width * 0.8)
        remove[self.height // 3 : self.height // 2, left : left + self.width // 8] = 1
        plate[remove > 0] = 2.0
        quadmask = np.where(remove > 0, 0, 255).astype(np.uint8)
        return ShotFrame(number, plate, remove, np.zeros_like(remove), remove, quadmask)

    def anchor(self, number: int) -> Float32Array | None:
        return None


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def _measure(frames: int, width: int, height: int, caches_mib: int) -> None:
    shot = EndlessShot(frames, width, height)
    shot.frame(1)
    before, began = _peak_mib(), time.process_time()
    if caches_mib:
        # The caches are made small, so that 100 frames already fill them.
        working_set.FULL_SIZE_BYTES = working_set.ANALYSIS_BYTES = caches_mib * 2**20
    for _ in PropagationEngine().remove(shot, EngineRequest(), SilentMonitor()):
        pass
    used = (time.process_time() - began) / frames
    print(
        f"{frames} frames of {width}x{height}: peak {_peak_mib():.0f} MiB ({before:.0f} before the engine "
        f"began), {used:.2f} s of processor time a frame",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--caches-mib", type=int, default=8, help="of each cache; 0: the engine's own")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        _measure(arguments.frames[0], arguments.width, arguments.width * 9 // 16, arguments.caches_mib)
        return
    for frames in arguments.frames:
        command = [sys.executable, "-m", "tests.bench.propagation_memory", "--alone"]
        command += ["--width", str(arguments.width), "--caches-mib", str(arguments.caches_mib)]
        subprocess.run([*command, "--frames", str(frames)], check=True)


if __name__ == "__main__":
    main()
