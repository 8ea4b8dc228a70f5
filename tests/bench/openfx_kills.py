"""Kills the OpenFX bridge and the server again and again while removals run, and looks for what is lost.

    python -m tests.bench.openfx_kills [--kills 200] [--seed 1]

A stand-in for the plug-in presses Remove, and does what the plug-in does: it starts another bridge when one
is dead, gives it all frames once more where they were on their way, and asks how its removals go. What is
killed later loses nothing. At the end every removal has all of its frames, bit for bit the plate's, nothing
is left of those that were begun again, and no pixel files remain.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.fakes.openfx_standin import Box, Refused, Standin
from void_engine.plates.exr.file import read_frame
from void_protocol.errors import KeyFileError
from void_protocol.keys import read_server_address

BOX: Box = (0, 0, 96, 64)
FRAMES = 10
OPEN_AT_ONCE = 3
PATIENCE_S = 300.0
PROGRESS_S = 20.0


@dataclass
class Pressed:
    """A removal that was submitted."""

    record: str
    seed: int
    is_over: bool = False


def plate(seed: int, frame: int) -> np.ndarray:
    pixels = np.ones((BOX[3], BOX[2], 4), np.float32)
    pixels[..., :3] = np.random.default_rng((seed, frame)).random((BOX[3], BOX[2], 3), np.float32)
    return pixels


class LostError(Exception):
    """A removal did not come to its end."""


class Bench:
    """One host, its bridges and the server."""

    def __init__(self, folder: Path, kills: int, seed: int) -> None:
        self.home, self.out = folder / "home", folder / "out"
        self.kills = kills
        self.chance = random.Random(seed)
        self.pressed: list[Pressed] = []
        self.again = 0
        """How many hand-overs were given once more."""
        self.tally = {"bridge": 0, "server": 0, "both": 0}
        self.left: list[Path] = []
        self.host = self.start()

    def start(self) -> Standin:
        host = Standin(self.home)
        self.left.append(host.folder)
        return host

    def revive(self) -> None:
        """Start another bridge, as the plug-in does when it notices that one is dead."""
        self.host.socket.close()
        self.host = self.start()

    def press(self) -> None:
        """Hand a removal over; what a kill interrupts is begun again."""
        seed = self.chance.randrange(1 << 30)
        matte = np.zeros((BOX[3], BOX[2], 1), np.float32)
        matte[20:40, 30:60] = 1
        x1, y1, x2, y2 = BOX
        while True:
            is_struck = self.chance.random() < 0.2 and sum(self.tally.values()) < self.kills
            strike_at = self.chance.randrange(1, FRAMES + 2)  # the last one is over the last word
            try:
                begun = self.host.ask(
                    "begin",
                    folder=self.out,
                    engine="identity",
                    first=1,
                    last=FRAMES,
                    x1=x1,
                    y1=y1,
                    x2=x2,
                    y2=y2,
                )
                for frame in range(1, FRAMES + 1):
                    if is_struck and frame == strike_at:
                        self.kill("bridge")
                    self.host.hand(begun["removal"], "plate", frame, plate(seed, frame), BOX)
                    self.host.hand(begun["removal"], "remove", frame, matte, BOX, marks=1)
                self.pressed.append(Pressed(self.submit(begun["removal"], is_struck), seed))
                return
            except (ConnectionError, OSError):
                self.again += 1
                self.revive()

    def submit(self, removal: str, is_struck: bool) -> str:
        """Say the last word of a hand-over, to the next bridge too where this one dies over it."""
        try:
            if is_struck and self.chance.random() < 0.5:
                self.host.send({"type": "submit", "id": "struck", "removal": removal})
                time.sleep(self.chance.random() * 0.05)
                self.kill("bridge")
            return self.host.ask("submit", removal=removal)["record"]
        except (ConnectionError, OSError):
            self.revive()
            return self.host.ask("submit", removal=removal)["record"]

    def kill(self, what: str) -> None:
        """Kill processes, as a machine that runs out of memory does."""
        if what in ("bridge", "both"):
            self.host.process.kill()
            self.host.process.wait()
        if what in ("server", "both"):
            with suppress(KeyFileError, ProcessLookupError):
                os.kill(read_server_address(self.home).pid, signal.SIGKILL)
        self.tally[what] += 1

    def look(self) -> None:
        """Ask how all open removals go, with another bridge where this one is dead."""
        for one in self.pressed:
            if one.is_over:
                continue
            try:
                said = self.host.ask("status", record=one.record)
            except (ConnectionError, OSError):
                self.revive()
                said = self.host.ask("status", record=one.record)
            if said["state"] in ("failed", "cancelled", "lost"):
                raise LostError(f"a removal is lost: {said} {one.record}")
            one.is_over = said["state"] == "finished"

    def wait_for_progress(self) -> None:
        """Wait until one more frame is there, but not long: a server that is killed again and again before it
        has begun would prove nothing."""
        limit = time.monotonic() + PROGRESS_S
        before = self.frames
        while self.frames == before and time.monotonic() < limit:
            time.sleep(0.05)

    @property
    def frames(self) -> int:
        return sum(1 for _ in self.out.glob("*/*.exr"))

    def run(self) -> int:
        while sum(self.tally.values()) < self.kills:
            self.look()
            if sum(not one.is_over for one in self.pressed) < OPEN_AT_ONCE:
                self.press()
            self.wait_for_progress()
            time.sleep(self.chance.random() * 1.5)
            self.kill(self.chance.choice(("bridge", "bridge", "server", "both")))
            print(f"{self.tally} removals {len(self.pressed)}, {self.again} again", flush=True)
        limit = time.monotonic() + PATIENCE_S
        while any(not one.is_over for one in self.pressed):
            if time.monotonic() > limit:
                raise LostError("removals do not end")
            self.look()
            time.sleep(0.2)
        wrong = sum(self.judge(one) for one in self.pressed)
        last = self.host.ask("begin", folder=self.out, first=1, last=1, x1=0, y1=0, x2=1, y2=1)
        self.host.ask("abandon", removal=last["removal"])
        self.host.end()
        kept = {Path(json.loads(one.record)["folder"]).name for one in self.pressed}
        others = {folder.name for folder in self.out.iterdir()} - kept
        exports = list(self.out.glob("*/export"))
        jobs = {json.loads(one.record)["job"] for one in self.pressed}
        remaining = [folder for folder in self.left if folder.exists()]
        remaining += [
            path for path in self.left[0].parent.glob("handed-*") if path.name.removeprefix("handed-") in jobs
        ]
        print(
            f"{sum(self.tally.values())} kills {self.tally}; {len(self.pressed)} removals; "
            f"{self.again} hand-overs given once more; "
            f"wrong frames {wrong}, leftover folders {len(others)}, exports {len(exports)}, "
            f"pixel folders {len(remaining)}"
        )
        return int(bool(wrong or others or exports or remaining))

    def judge(self, one: Pressed) -> int:
        """How many frames of a result are not what they should be: the identity engine gives the plate."""
        record = json.loads(one.record)
        folder = Path(record["folder"])
        wrong = 0
        for frame in range(1, FRAMES + 1):
            made = read_frame(folder / f"{folder.name}.{frame:04d}.exr", frame)
            expected = plate(one.seed, frame)[::-1, :, :3].astype(np.float16)
            wrong += not np.array_equal(made.read_rgb(made.display_window), expected.astype(np.float32))
        return wrong


def main() -> int:
    """Run the bench; the exit status is 0 when nothing was lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="void-openfx-kills-", ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder), given.kills, given.seed)
        try:
            return bench.run()
        except (Refused, LostError) as error:
            print(error)
            return 1
        finally:
            with suppress(OSError):
                bench.host.end()
            with suppress(KeyFileError, ProcessLookupError):
                os.kill(read_server_address(bench.home).pid, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
