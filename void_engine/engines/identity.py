"""The engine that changes nothing, with which the path around the engines is measured and proved lossless."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from void_engine.engines.info import EngineInfo

if TYPE_CHECKING:
    from void_engine.engines.interface import CleanFrame, EngineRequest, Monitor, ShotSource


def main_memory(width: int, height: int, frames: int, threads: int) -> int:
    """Return the bytes of main memory that a shot needs at most: those of a process, and of the frames that
    are read ahead and written behind."""
    return 250 * 2**20 + min(frames, 16) * width * height * 50


class IdentityEngine:
    """Returns every frame as it is."""

    name = "identity"
    wants_full_frame = False
    region_aspect = None
    record: Mapping[str, str | int | float] = {}

    def remove(self, shot: ShotSource, request: EngineRequest, monitor: Monitor) -> Iterator[CleanFrame]:
        """Yield the plate's own pixels. It has no options and ignores the prompt and the seed."""
        from void_engine.engines.interface import CleanFrame

        numbers = shot.frame_numbers
        for step, number in enumerate(numbers):
            monitor.progress("identity", step, len(numbers), number)
            if request.wants(number):
                yield CleanFrame(number, shot.frame(number).plate)
        monitor.progress("identity", len(numbers), len(numbers))


INFO = EngineInfo(
    name="identity",
    title="Identity",
    summary="Changes nothing: it measures the path around the engines.",
    factory=IdentityEngine,
    memory_plan="void_engine.engines.identity:main_memory",
    part_overlap=0,
    is_for_artists=False,
)
