"""Jobs that make mattes instead of removing something."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from void_protocol.errors import JobError
from void_protocol.job import Format, Matte, Output, RemovalJob, Shot
from void_protocol.job_file import decode_job, encode_job, job_schema
from void_protocol.task import (
    BoxPrompt,
    MakeMattes,
    PointPrompt,
    PromptedObject,
    Propose,
    is_task_name,
    task_name,
)


def _job(**changes: Any) -> RemovalJob:
    return RemovalJob(
        shot=Shot(
            name="a", plate="/p.%04d.exr", first_frame=1, last_frame=9, format=Format(width=64, height=48)
        ),
        output=Output(pattern="/out.%04d.exr"),
        **changes,
    )


_REMOVE = [Matte(role="remove", pattern="/m.exr")]


def test_a_removal_does_not_name_a_task() -> None:
    """Servers of a release without tasks take it, and frames made before keep their fingerprint."""
    job = _job(mattes=_REMOVE)
    assert b"task" not in encode_job(job)
    assert decode_job(encode_job(job)) == job
    assert job.is_removal
    assert job.engine_label == "auto"


@pytest.mark.parametrize(
    "task",
    [
        Propose(by="both", instruction="the red ball"),
        MakeMattes(objects=[PromptedObject(points=[PointPrompt(frame=3, x=10.5, y=47)])]),
        MakeMattes(
            objects=[
                PromptedObject(name="a", boxes=[BoxPrompt(frame=1, left=0, bottom=0, right=64, top=48)]),
                PromptedObject(name="b", words="red ball"),
            ]
        ),
    ],
)
def test_tasks_travel_as_they_are(task: Any) -> None:
    job = _job(mattes=_REMOVE, task=task)
    back = decode_job(encode_job(job))
    assert back == job
    assert not back.is_removal
    assert back.engine_label == task_name(task)
    assert is_task_name(back.engine_label)
    # Decoding in the process that reads large jobs is by MessagePack.
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(job), type=RemovalJob) == job


@pytest.mark.parametrize("name", ["auto", "void", "propagation", "identity", "proposer"])
def test_engines_are_no_tasks(name: str) -> None:
    assert not is_task_name(name)


def _object(**changes: Any) -> MakeMattes:
    return MakeMattes(objects=[PromptedObject(**changes)])


_INSIDE = PointPrompt(frame=3, x=10, y=10)


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        (_object(), "nothing says where 'object' is"),
        (_object(points=[PointPrompt(frame=3, x=1, y=1, outside=True)]), "nothing says where"),
        (_object(points=[PointPrompt(frame=10, x=1, y=1)]), "points[0].frame: frame 10 is outside"),
        (_object(points=[_INSIDE, PointPrompt(frame=3, x=65, y=1)]), "points[1]: it lies outside"),
        (
            _object(boxes=[BoxPrompt(frame=3, left=9, bottom=1, right=9, top=5)]),
            "boxes[0]: the box is empty",
        ),
        (
            MakeMattes(objects=[PromptedObject(points=[_INSIDE]), PromptedObject(points=[_INSIDE])]),
            "objects[1].name: two objects",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(task: MakeMattes, problem: str) -> None:
    with pytest.raises(JobError) as caught:
        encode_job(_job(task=task))
    assert problem in str(caught.value)


def test_a_proposal_needs_what_is_removed() -> None:
    with pytest.raises(JobError, match="mark at least one shape or matte as 'remove'"):
        encode_job(_job(mattes=[Matte(role="affected", pattern="/m.exr")], task=Propose()))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"do": "delete"}', "$.task.do: Invalid value 'delete'"),
        ('{"do": "propose", "by": "magic"}', "$.task.by"),
        ('{"do": "propose", "instructon": "x"}', "instruction"),
        ('{"do": "mattes", "objects": []}', "$.task.objects"),
        ('{"do": "mattes", "objects": [{"name": "../x", "words": "x"}]}', "$.task.objects"),
        ("null", "$.task"),
    ],
)
def test_a_wrong_task_is_named_by_its_field(text: str, problem: str) -> None:
    job = encode_job(_job(mattes=_REMOVE)).decode()
    with pytest.raises(JobError) as caught:
        decode_job(f'{job[:-1]},"task":{text}}}')
    assert problem in str(caught.value)


def test_the_schema_has_the_tasks() -> None:
    defined = job_schema()["$defs"]
    assert "task" in defined["RemovalJob"]["properties"]
    assert "task" not in defined["RemovalJob"]["required"]
    assert {"Propose", "MakeMattes"} <= set(defined)
