from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_protocol.messages import JobState
from void_server.broker.jobs.job_states import FIRST_STATES, NEXT_STATES, may_follow
from void_server.broker.jobs.store import NewJob, Store
from void_server.errors import StateChangeRefused

PROTOCOL = Path(__file__).parents[5] / "docs" / "protocol.md"
JOB = NewJob(
    job_id="first", owner="anna", name="shot", engine="auto", inputs="streamed", outputs="streamed",
    output_pattern="/o/r.%04d.exr", frames_total=3, content=b"c", job=b"{}",
)  # fmt: skip
_numbers = itertools.count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store(tmp_path_factory.mktemp("states") / "jobs.sqlite")
    yield opened
    opened.close()


def test_every_state_has_a_line_and_can_be_reached() -> None:
    assert set(NEXT_STATES) == set(JobState)
    reached: set[JobState] = set()
    coming = set(FIRST_STATES)
    while coming:
        reached |= coming
        coming = {following for state in coming for following in NEXT_STATES[state]} - reached
    assert reached == set(JobState)


def test_exactly_the_final_states_have_none_after_them() -> None:
    assert {state for state, following in NEXT_STATES.items() if not following} == {
        state for state in JobState if state.is_final
    }


@given(walk=st.lists(st.sampled_from(JobState), min_size=1, max_size=12))
def test_the_store_follows_the_table_on_every_walk(store: Store, walk: list[JobState]) -> None:
    job_id = f"walk-{next(_numbers)}"
    state: JobState | None = None
    events = 0
    for following in walk:
        if may_follow(state, following):
            _move(store, job_id, state, following)
            state, events = following, events + 1
            assert store.state(job_id) is state
            assert [event.sequence for event in store.events_after(job_id, 0)] == [*range(1, events + 1)]
        else:
            known = store.info(job_id)
            with pytest.raises(StateChangeRefused) as refused:
                _move(store, job_id, state, following)
            before = "not stored" if state is None else state.value
            assert str(refused.value) == f"job {job_id} is {before} and cannot become {following.value}"
            assert store.info(job_id) == known


def _move(store: Store, job_id: str, state: JobState | None, following: JobState) -> None:
    if state is None:
        store.add_job(msgspec.structs.replace(JOB, job_id=job_id), following)
    else:
        store.set_state(job_id, following, "a message")


def test_a_job_that_is_not_there_has_no_next_state(store: Store) -> None:
    with pytest.raises(StateChangeRefused, match="job nobody is not stored and cannot become running"):
        store.set_state("nobody", JobState.RUNNING)


def test_the_documentation_shows_this_table() -> None:
    text = PROTOCOL.read_text(encoding="utf-8")
    section = text[text.index("### States") : text.index("## Sending files")]
    shown: dict[str, set[str]] = {}
    for line in section.splitlines():
        if re.match(r"\| [(`]", line):
            names, following = line.split("|")[1:3]
            for name in re.findall(r"\w+", names):
                shown[name] = set(re.findall(r"\w+", following))
    declared = {state.value: {each.value for each in following} for state, following in NEXT_STATES.items()}
    assert shown == {"submit": {state.value for state in FIRST_STATES}, **declared}
