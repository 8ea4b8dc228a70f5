"""The fuzz targets for a few seconds, with inputs bred by hypothesis, and what longer runs have found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import exr, job, roto, wire
from tests.fuzz.driver import mutations
from void_engine.plates.storage.policy import current_policy, set_policy


@pytest.fixture(autouse=True, scope="module")
def _small_frames() -> Iterator[None]:
    before = current_policy()
    exr.restrict()
    yield
    set_policy(before)


def mutated(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Variations of the seeds as the fuzzer makes them, repeatable by hypothesis' own numbers."""
    return st.integers(0, 2**32).map(lambda number: next(mutations(seeds, Random(number))))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "examples"),
    [(wire, 400), (job, 200), (exr, 200), (roto, 300)],
    ids=["wire", "job", "exr", "roto"],
)
def test_nothing_unexpected_comes_of_any_bytes(target: ModuleType, examples: int) -> None:
    seeds = target.seeds()
    for seed in seeds:
        target.target(seed)

    @given(mutated(seeds) | st.binary(max_size=300))
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    def run(data: bytes) -> None:
        target.target(data)

    run()


def in_exr_name(data: bytes) -> bytes:
    """The first seed with a channel's name that is not UTF-8."""
    seed = exr.seeds()[0]
    return seed.replace(b"\0G\0", b"\0" + data + b"\0", 1)


FOUND: dict[str, tuple[Callable[[bytes], None], bytes]] = {
    "a message type that is a list": (wire.target, b'{"type":[[1]],"request":5}'),
    "a message type that is an object": (wire.target, b'{"type":{},"request":5}'),
    "a channel whose name is not UTF-8": (exr.target, in_exr_name(b"\xa1")),
}


@pytest.mark.parametrize(("target", "data"), FOUND.values(), ids=FOUND.keys())
def test_what_was_found_before(target: Callable[[bytes], None], data: bytes) -> None:
    target(data)
