"""Plans: what is cut, where, and what goes together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_engine.engines.registry import part_overlap
from void_server.farm.planning import FarmPlan, ShotRange, encode_plan, packed, plan


def shot(frames: int, engine: str = "propagation", first: int = 1001, name: str = "s") -> ShotRange:
    return ShotRange(
        file=f"{name}.json", name=name, engine=engine, first_frame=first, last_frame=first + frames - 1
    )


def planned(*shots: ShotRange, part_frames: int = 40, chunk_frames: int = 16) -> FarmPlan:
    return plan(shots, part_overlap, part_frames=part_frames, chunk_frames=chunk_frames)


@pytest.mark.parametrize(
    ("frames", "engine", "starts"),
    [
        (1, "propagation", [1001]),
        (40, "propagation", [1001]),
        (41, "propagation", [1001]),  # two parts would be shorter than three overlaps
        (50, "propagation", [1001, 1026]),  # equal parts, no rest of ten frames
        (120, "propagation", [1001, 1041, 1081]),
        (120, "void", [1001]),  # coupled windows: one piece, however long
        (120, "identity", [1001, 1041, 1081]),
    ],
)
def test_starts(frames: int, engine: str, starts: list[int]) -> None:
    assert planned(shot(frames, engine)).jobs[0].starts == starts


def test_a_part_is_never_shorter_than_its_overlaps_need() -> None:
    """Not even when somebody asks for one frame a task."""
    job = planned(shot(100), part_frames=1).jobs[0]
    assert min(len(job.part(start)) for start in job.starts) >= 3 * job.overlap
    assert all(len(job.parts_with(number)) <= 2 for number in range(1001, 1101))


@given(
    frames=st.integers(1, 600),
    first=st.integers(-500, 2000),
    part_frames=st.integers(1, 300),
    chunk_frames=st.integers(1, 100),
    engine=st.sampled_from(["propagation", "identity", "void"]),
)
def test_every_frame_is_planned_once_and_never_in_three_parts(
    frames: int, first: int, part_frames: int, chunk_frames: int, engine: str
) -> None:
    made = planned(shot(frames, engine, first), part_frames=part_frames, chunk_frames=chunk_frames)
    job = made.jobs[0]
    everything = set(range(first, first + frames))
    assert set().union(*(job.part(start) for start in job.starts)) == everything
    assert all(1 <= len(job.parts_with(number)) <= 2 for number in everything)
    for step in ("merge", "check"):
        numbers = [
            number
            for task in made.tasks(step)
            for work in task
            for number in range(work.first_frame, work.last_frame + 1)
        ]
        assert sorted(numbers) == sorted(everything)
        works = [work for task in made.tasks(step) for work in task]
        assert all(work.last_frame - work.first_frame < chunk_frames for work in works)
    assert [work.first_frame for task in made.remove for work in task] == job.starts


def test_short_shots_share_tasks_and_long_ones_do_not() -> None:
    short = [shot(10, "void", name=f"s{index}") for index in range(8)]
    made = planned(*short, shot(200, "void", name="long"))
    assert [len(task) for task in made.remove] == [4, 4, 1]


def test_packing_keeps_the_order_and_the_limit() -> None:
    works = [work for task in planned(shot(500), chunk_frames=7).merge for work in task]
    tasks = packed(works, 20)
    assert [work for task in tasks for work in task] == works
    assert max(sum(w.last_frame - w.first_frame + 1 for w in task) for task in tasks) <= 20


def test_the_plan_is_the_same_every_time() -> None:
    shots = [shot(n, name=f"s{n}") for n in (3, 90, 400)]
    assert encode_plan(planned(*shots)) == encode_plan(planned(*shots))
