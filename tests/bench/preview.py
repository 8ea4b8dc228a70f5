"""Measures the proxy preview as an artist meets it: the demo's shot at quarter scale through a real server.

    python -m tests.bench.preview                         40 frames of 960x540, streamed and by path
    python -m tests.bench.preview --scale 0.5 --rounds 3

It prints wall seconds from the submission, and processor seconds of the server and its worker, which depend
less on who else uses the machine. "watched" is what a client that follows the job has received.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from void_protocol.client import Client
from void_protocol.job import RemovalJob
from void_protocol.messages import FrameEvent, JobInfo, JobState, ProgressEvent, StateEvent
from void_protocol.watching import Preview, WatchEvent
from void_server.demo import walkthrough

_LONGEST_S = 600.0


class _Quiet:
    def update(self, stage: str, step: int, steps: int, note: str = "") -> None:
        pass


@dataclass
class _Heard:
    """When each kind of event was received first and last, in seconds from the submission."""

    began: float = field(default_factory=time.perf_counter)
    marks: dict[str, list[float]] = field(default_factory=dict)

    def mark(self, name: str) -> None:
        self.marks.setdefault(name, []).append(time.perf_counter() - self.began)

    def on_event(self, event: WatchEvent) -> None:
        if isinstance(event, StateEvent) and event.state is JobState.RUNNING:
            self.mark("worker at it")
        elif isinstance(event, ProgressEvent):
            self.mark(f"stage {event.progress.stage}")
        elif isinstance(event, Preview):
            self.mark("preview watched")
        elif isinstance(event, FrameEvent):
            self.mark("frame told")

    def on_frame(self, number: int, path: Path) -> None:
        self.mark("frame in place")

    def __str__(self) -> str:
        lines = [f"    {'heard of':24s} {'first s':>8s} {'last s':>8s} {'times':>6s}"]
        for name, times in sorted(self.marks.items(), key=lambda item: item[1][0]):
            lines.append(f"    {name:24s} {times[0]:8.2f} {times[-1]:8.2f} {len(times):6d}")
        return "\n".join(lines)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(job: RemovalJob, home: Path, transfer: str) -> None:
    heard = _Heard()
    before = _children_s()

    def show(client: Client, job: RemovalJob) -> JobInfo:
        heard.began = time.perf_counter()
        if transfer == "streamed":
            remote = client.submit(job, transfer="streamed", on_event=heard.on_event, on_frame=heard.on_frame)
        else:
            remote = client.submit(job, transfer="auto", on_event=heard.on_event, on_frame=heard.on_frame)
        return remote.done.result(timeout=_LONGEST_S)

    info, seconds = walkthrough.remove_through_server(job, home, show)
    # The processor time of child processes is complete only once the server has ended, as it has here.
    print(
        f"{transfer}: {seconds:.2f} s from submission to last frame ({info.state.value}, {info.frames_done} "
        f"frames by {info.engine}), {_children_s() - before:.1f} s of processor time, load {_load()}\n"
        f"{heard}",
        flush=True,
    )


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=0.25, help="1, 0.5, 0.25 or 0.125")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="void-preview-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        shot = walkthrough.render(
            root / "shot", width=960, height=540, frames=arguments.frames, bars=_Quiet()
        )
        for round_number in range(arguments.rounds):
            for transfer in ("streamed", "by path"):
                job = walkthrough.make_job(shot, root, engine="propagation", proxy_scale=arguments.scale)
                _run(job, root / f"server{round_number}{transfer[0]}", transfer)


if __name__ == "__main__":
    main()
