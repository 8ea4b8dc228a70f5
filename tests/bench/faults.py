"""Kills a server, its worker, or all at once with every unsynced file, and counts what that has cost.

    python tests/bench/faults.py --kills 200 [--seed 1]

Jobs run on a real server process with the engines ``identity`` and, now and then, ``propagation``. At random
points, seeded, one of these happens:

=========  ===============================================================================================
broker     ``kill -9`` of the server; its worker leaves with it
worker     ``kill -9`` of the worker; the server starts another
both       ``kill -9`` of both at the same moment
power      both, and then every file that the processes wrote in the last seconds and did not sync is cut
           short, filled with zeros or gone, and every name that was not synced in its folder is gone
=========  ===============================================================================================

What is synced is known from the processes themselves: each wraps ``os.fsync`` and notes file and time. The
job store is SQLite's own (it syncs beyond Python's sight) and is left as it is; so are keys and logs of the
server, which are not jobs.

A job is *lost* when it does not come to its end as ``done``, with every frame. A frame is *corrupt* when its
bytes at the client are not those of a run without faults. *Duplicated* are frames announced twice with the
same content, events heard twice, and jobs that were done twice. The last line is

    kills N, jobs lost 0, frames corrupt 0, duplicated 0
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import logging
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from tests.bench.lost_power import FSYNC_JOURNAL, lose_unsynced, watch_syncs  # noqa: E402
from void_engine.plates.exr.file import read_frame, write_frame  # noqa: E402
from void_engine.plates.frame.frame import Frame  # noqa: E402
from void_protocol.client import Client  # noqa: E402
from void_protocol.job import Format, Matte, Output, RemovalJob, Settings, Shot  # noqa: E402
from void_protocol.messages import FrameEvent, JobState, StateEvent  # noqa: E402
from void_protocol.remote_job import RemoteJob  # noqa: E402
from void_protocol.watching import WatchEvent  # noqa: E402
from void_server.job_run import run_job  # noqa: E402
from void_server.operation.server_process import ServerProcess  # noqa: E402
from void_server.settings import ServerSettings  # noqa: E402

FAULTS = ("broker", "worker", "both", "power")
FIRST, WIDTH, HEIGHT = 1001, 96, 64
JOBS_AT_A_TIME = 3
TORMENT_S = 40.0
"""Seconds after which a batch gets no more faults: one that is killed every second may never make a frame."""
JOB_LIMIT_S = 120.0
"""Seconds after the last fault after which a job that has not ended is lost."""
_MADE_BY = ("void/job_id", "void/job_fingerprint")


def write_shot(folder: Path, frames: int) -> None:
    """Write a noisy plate of half floats and a matte that moves."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(7)
    for index in range(frames):
        plate = chance.random((HEIGHT, WIDTH, 3)).astype(np.float16)
        matte = np.zeros((HEIGHT, WIDTH, 1), np.float16)
        matte[20:40, 20 + index : 40 + index] = 1
        write_frame(Frame.from_pixels(FIRST + index, "RGB", plate), folder / f"plate.{FIRST + index}.exr")
        write_frame(Frame.from_pixels(FIRST + index, ("A",), matte), folder / f"matte.{FIRST + index}.exr")


def job_for(shot: Path, output: Path, engine: str, frames: int) -> RemovalJob:
    return RemovalJob(
        shot=Shot(
            name=output.name,
            plate=str(shot / "plate.%04d.exr"),
            first_frame=FIRST,
            last_frame=FIRST + frames - 1,
            format=Format(width=WIDTH, height=HEIGHT),
        ),
        mattes=[Matte(role="remove", pattern=str(shot / "matte.%04d.exr"))],
        settings=Settings(engine=engine),
        output=Output(pattern=str(output / "result.%04d.exr"), layers=["matte"]),
    )


class _Quiet:
    """The monitor of a removal without faults."""

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None: ...
    def preview(self, frame: int, picture: Any) -> None: ...
    def log(self, message: str) -> None: ...
    def check_cancelled(self) -> None: ...
    def waiting(self, obstacle: str) -> None: ...
    def composed(self, shares: object) -> None: ...
    def frame_done(self, number: int, path: Path) -> None: ...


def digest(path: Path) -> str:
    """The digest of a result's pixels and metadata, without the entries that name the job."""
    frame = read_frame(path, 0)
    found = hashlib.sha256()
    for name in frame.channel_names:
        found.update(name.encode() + np.ascontiguousarray(frame.native(name)).tobytes())
    for name, value in sorted(frame.header.metadata.items()):
        if name not in _MADE_BY and name != "void/shot":
            found.update(f"{name}={value!r}".encode())
    return found.hexdigest()


def expected_digests(shot: Path, folder: Path, engine: str, frames: int) -> list[str]:
    """The digests of the results of a run without server and faults."""
    job = job_for(shot, folder / engine, engine, frames)
    run_job(job, _Quiet())
    return [digest(folder / engine / f"result.{FIRST + index}.exr") for index in range(frames)]


@dataclass
class Submitted:
    """A submitted job, with all events that were received of it."""

    name: str
    engine: str
    job: RemovalJob
    transfer: str
    remote: RemoteJob | None = None
    numbered: list[StateEvent | FrameEvent] = field(default_factory=list)

    def heard(self, event: WatchEvent) -> None:
        if isinstance(event, StateEvent | FrameEvent):
            self.numbered.append(event)


@dataclass
class Tally:
    jobs: int = 0
    lost: list[str] = field(default_factory=list)
    corrupt: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    resumed: int = 0
    restarted: int = 0
    cut: int = 0

    @property
    def line(self) -> str:
        return (
            f"kills {sum(self.kills.values())}, jobs lost {len(self.lost)}, "
            f"frames corrupt {len(self.corrupt)}, duplicated {len(self.duplicated)}"
        )


class Bench:
    def __init__(self, folder: Path, kills: int, seed: int, frames: int, faults: Sequence[str]) -> None:
        self.folder, self.kills, self.frames, self.faults = folder, kills, frames, faults
        self.chance = random.Random(seed)
        self.tally = Tally()
        self.shot = folder / "shot"
        write_shot(self.shot, frames)
        self.expected = {
            engine: expected_digests(self.shot, folder / "expected", engine, frames)
            for engine in ("identity", "propagation")
        }
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            endpoint = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        self.journal = folder / "syncs"
        watch_syncs(folder / "hook", self.journal)
        # Kills from outside look like a job that kills its worker, so that rule, which has a test, is off.
        self.server = ServerProcess(
            ServerSettings(
                home=folder / "home",
                endpoint=endpoint,
                heartbeat_s=0.5,
                most_worker_deaths=10_000,
                most_attempts=10_000,
            )
        )

    def run(self) -> Tally:
        connection = self.server.start()
        with Client(connection, request_timeout_s=120.0) as client:
            while sum(self.tally.kills.values()) < self.kills:
                batch = [self._submit(client) for _ in range(JOBS_AT_A_TIME)]
                self._torment(batch)
                for each in batch:
                    self._judge(client, each)
                print(
                    f"{self.tally.line}; {self.tally.jobs} jobs, "
                    + ", ".join(f"{name} {count}" for name, count in sorted(self.tally.kills.items())),
                    flush=True,
                )
        self.server.stop()
        return self.tally

    def _submit(self, client: Client) -> Submitted:
        name = f"job{self.tally.jobs:04d}"
        self.tally.jobs += 1
        engine = "propagation" if self.chance.random() < 0.1 else "identity"
        job = job_for(self.shot, self.folder / "out" / name, engine, self.frames)
        submitted = Submitted(name, engine, job, self.chance.choice(("streamed", "streamed", "paths")))
        submitted.remote = client.submit(job, transfer=submitted.transfer, on_event=submitted.heard)
        return submitted

    def _torment(self, batch: Sequence[Submitted]) -> None:
        limit = time.monotonic() + TORMENT_S
        while not self._all_done(batch) and time.monotonic() < limit:
            if self.chance.random() < 0.7:  # Otherwise the fault may also come while everything starts.
                self._wait_for_work(batch)
            time.sleep(self.chance.choice((0.02, 0.2, 1.0)) * self.chance.random())
            if sum(self.tally.kills.values()) < self.kills and not self._all_done(batch):
                self._fault(batch, self.chance.choice(self.faults))
        limit = time.monotonic() + JOB_LIMIT_S
        while not self._all_done(batch) and time.monotonic() < limit:
            time.sleep(0.1)

    def _wait_for_work(self, batch: Sequence[Submitted]) -> None:
        """Wait until a worker is at a job, so that the fault finds more than a server that starts."""
        limit = time.monotonic() + 20.0
        while time.monotonic() < limit and not self._all_done(batch):
            infos = [each.remote.info for each in batch if each.remote is not None]
            if any(info is not None and info.state is JobState.RUNNING for info in infos):
                return
            time.sleep(0.005)

    @staticmethod
    def _all_done(batch: Sequence[Submitted]) -> bool:
        return all(each.remote is not None and each.remote.done.done() for each in batch)

    def _fault(self, batch: Sequence[Submitted], kind: str) -> None:
        worker = self._worker_pid()
        if kind == "worker":
            if worker is None or not _kill(worker):
                return
        elif kind == "broker":
            self.server.kill()
        else:
            if worker is not None:
                _kill(worker)
            self.server.kill()
        self.tally.kills[kind] += 1
        if kind == "worker":
            return
        _wait_gone(worker)
        if kind == "power":
            # Fetched files lie on the client's machine, whose power stays on.
            outs = [self.folder / "out" / each.name for each in batch if each.transfer == "paths"]
            self.tally.cut += lose_unsynced([self.folder / "home/jobs", *outs], self.journal, self.chance)
        self.server.start(60.0)

    def _worker_pid(self) -> int | None:
        """Find the server's child process by the system, since asking the server would wait for it."""
        with contextlib.suppress(OSError, ValueError):
            children = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text().split()
            return int(children[0]) if children else None
        return None

    def _judge(self, client: Client, submitted: Submitted) -> None:
        assert submitted.remote is not None
        out = self.folder / "out" / submitted.name
        try:
            info = submitted.remote.done.result(0)
        except Exception as error:  # noqa: BLE001 - whatever it is, the job did not come through
            self.tally.lost.append(f"{submitted.name}: {error!r}")
            return
        if info.state is not JobState.DONE or info.frames_done != self.frames:
            self.tally.lost.append(f"{submitted.name}: {info}")
            return
        self.tally.attempts[info.attempts] += 1
        for index, wanted in enumerate(self.expected[submitted.engine]):
            path = out / f"result.{FIRST + index}.exr"
            try:
                if digest(path) != wanted:
                    self.tally.corrupt.append(f"{path}: other content")
            except Exception as error:  # noqa: BLE001 - a file that cannot be read is corrupt
                self.tally.corrupt.append(f"{path}: {error!r}")
        self._count_duplicates(submitted)
        text, _ = client.log(submitted.job.job_id).result(60)
        self.tally.resumed += text.count("running: continues after")
        self.tally.restarted += text.count("running: starts again")
        shutil.rmtree(out, ignore_errors=True)
        client.release(submitted.job.job_id).result(60)

    def _count_duplicates(self, submitted: Submitted) -> None:
        numbers = [event.sequence for event in submitted.numbered]
        twice = [number for number, count in Counter(numbers).items() if count > 1]
        frames = Counter(event.frame for event in submitted.numbered if isinstance(event, FrameEvent))
        ends = sum(isinstance(event, StateEvent) and event.state.is_final for event in submitted.numbered)
        self.tally.duplicated += [f"{submitted.name}: event {number} heard twice" for number in twice]
        self.tally.duplicated += [
            f"{submitted.name}: frame {frame} announced {count} times"
            for frame, count in frames.items()
            if count > 1
        ]
        if ends > 1:
            self.tally.duplicated.append(f"{submitted.name}: ended {ends} times")


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _wait_gone(pid: int | None) -> None:
    """Wait until the worker has ended, which it does by itself when its server is gone."""
    limit = time.monotonic() + 20.0
    while pid is not None and Path(f"/proc/{pid}").exists() and time.monotonic() < limit:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        time.sleep(0.005)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--keep", action="store_true", help="leave the folder, also when all went well")
    arguments = parser.parse_args()
    if not Path("/proc/self/task").is_dir():
        sys.exit("this bench finds processes by /proc, which only Linux has")
    logging.basicConfig(level=logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="void-faults-"))
    began = time.monotonic()
    tally = Bench(folder, arguments.kills, arguments.seed, arguments.frames, arguments.faults).run()
    problems = [*tally.lost, *tally.corrupt, *tally.duplicated]
    for problem in problems:
        print(problem)
    print(
        f"seed {arguments.seed}: {tally.jobs} jobs of {arguments.frames} frames in "
        f"{time.monotonic() - began:.0f} s; continued {tally.resumed} times, started again "
        f"{tally.restarted} times, {tally.cut} unsynced files cut; starts a job: "
        + ", ".join(f"{attempts}x{count}" for attempts, count in sorted(tally.attempts.items()))
    )
    if problems or arguments.keep:
        print(f"kept in {folder}; the syncs are in {os.environ[FSYNC_JOURNAL]}")
    else:
        shutil.rmtree(folder)
    print(tally.line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
