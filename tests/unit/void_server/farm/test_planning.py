"""Plans: what is cut, where, and what goes together."""

from __future__ import annotations

import math
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_engine.engines.registry import part_overlap
from void_server.farm.planning import FarmPlan, ShotRange, Work, encode_plan, packed, plan


def shot(frames: int, engine: str = "propagation", first: int = 1001, name: str = "s") -> ShotRange:
    return ShotRange(
        file=f"{name}.json", name=name, engine=engine, first_frame=first, last_frame=first + frames - 1
    )


def planned(*shots: ShotRange, part_frames: int = 40, chunk_frames: int = 16) -> FarmPlan:
    return plan(shots, part_overlap, part_frames=part_frames, chunk_frames=chunk_frames)


def frames_of(works: list[Work]) -> int:
    return sum(work.last_frame - work.first_frame + 1 for work in works)


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


def test_packing_opens_a_task_only_for_what_does_not_fit() -> None:
    works = [work for task in planned(shot(500), shot(3), shot(29), chunk_frames=7).merge for work in task]
    for most in (1, 7, 20, 21, 1000):
        tasks = packed(works, most)
        for before, after in pairwise(tasks):
            assert frames_of(before) + frames_of(after[:1]) > most
    assert len(packed(works, frames_of(works))) == 1
    assert len(packed(works, frames_of(works) - 1)) == 2


@given(
    frames=st.integers(1, 400),
    overlap=st.integers(0, 20),
    part_frames=st.integers(1, 100),
    first=st.integers(-50, 1001),
)
def test_neighbouring_parts_have_exactly_the_overlap_in_common(
    frames: int, overlap: int, part_frames: int, first: int
) -> None:
    """Without common frames there would be nothing to join them over."""
    job = plan([shot(frames, first=first)], lambda _: overlap, part_frames=part_frames).jobs[0]
    parts = [job.part(start) for start in job.starts]
    assert job.overlap == overlap
    for before, after in pairwise(parts):
        assert [number for number in before if number in after] == list(after[:overlap])
        assert len(before) - overlap >= max(1, 3 * overlap)
    for number in range(first, first + frames):
        assert job.parts_with(number) == [part.start for part in parts if number in part]


@given(frames=st.integers(1, 400), overlap=st.integers(0, 20), part_frames=st.integers(1, 100))
def test_parts_are_equal_and_as_many_as_are_wanted_or_can_be(
    frames: int, overlap: int, part_frames: int
) -> None:
    job = plan([shot(frames)], lambda _: overlap, part_frames=part_frames).jobs[0]
    lengths = [after - before for before, after in pairwise([*job.starts, job.last_frame + 1])]
    assert max(lengths) - min(lengths) <= 1
    one_more = frames // (len(lengths) + 1)
    assert max(lengths) <= part_frames or one_more < max(1, 3 * overlap)
    if len(lengths) > 1:
        assert math.ceil(frames / (len(lengths) - 1)) > part_frames


@given(frames=st.integers(1, 400), chunk_frames=st.integers(1, 100))
def test_chunks_are_equal_and_no_more_than_are_needed(frames: int, chunk_frames: int) -> None:
    works = [work for task in planned(shot(frames), chunk_frames=chunk_frames).check for work in task]
    assert len(works) == -(-frames // chunk_frames)
    lengths = [frames_of([work]) for work in works]
    assert max(lengths) - min(lengths) <= 1


def test_an_engine_that_makes_a_shot_in_one_piece_has_no_overlap() -> None:
    made = plan([shot(500)], lambda _: None, part_frames=10)
    assert (made.jobs[0].starts, made.jobs[0].overlap) == ([1001], 0)
    assert [(work.first_frame, work.last_frame) for work in made.remove[0]] == [(1001, 1500)]


def test_every_engine_that_is_cut_and_looks_at_neighbours_has_frames_in_common() -> None:
    job = planned(shot(120)).jobs[0]
    assert job.overlap > 0
    assert [len(set(job.part(a)) & set(job.part(b))) for a, b in pairwise(job.starts)] == [job.overlap] * 2
    assert [work.last_frame for task in planned(shot(120)).remove for work in task] == [
        job.part(start)[-1] for start in job.starts
    ]


def test_whole_shots_share_tasks_of_preparing_by_the_larger_of_both_lengths() -> None:
    shots = [shot(10, name=f"s{index}") for index in range(8)]
    for part_frames, chunk_frames in ((40, 16), (16, 40)):
        made = planned(*shots, part_frames=part_frames, chunk_frames=chunk_frames)
        assert [[work.job for work in task] for task in made.prepare] == [[0, 1, 2, 3], [4, 5, 6, 7]]
        assert all(frames_of([work]) == 10 for task in made.prepare for work in task)


def test_the_task_of_a_run_is_found_by_job_and_frame() -> None:
    made = planned(shot(120), shot(90))
    for step in ("prepare", "remove", "merge", "check"):
        for number, task in enumerate(made.tasks(step)):
            assert all(made.task_of(step, work.job, work.first_frame) == number for work in task)


def test_a_shot_is_cut_the_same_whatever_it_is_planned_with() -> None:
    alone = planned(shot(90, name="s90")).jobs[0]
    for others in ([shot(3)], [shot(400), shot(7, "void"), shot(90)]):
        assert planned(*others, shot(90, name="s90")).jobs[-1] == alone


def test_a_plan_comes_back_from_its_file() -> None:
    made = planned(*(shot(n, name=f"s{n}") for n in (3, 90, 400)))
    assert msgspec.json.decode(encode_plan(made), type=FarmPlan) == made


def test_by_default_a_part_has_some_minutes_of_work_and_a_chunk_some_frames() -> None:
    made = plan([shot(480, "identity")], part_overlap)
    assert [work.first_frame for task in made.remove for work in task] == [1001, 1121, 1241, 1361]
    assert [frames_of(task) for task in made.merge] == [48] * 10
