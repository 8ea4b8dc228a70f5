"""A job's engine and engine options against the engines that a server told of."""

from __future__ import annotations

import pytest

from tests.fakes.told_engines import TOLD
from void_protocol.engines import engine_problem
from void_protocol.job import Settings


@pytest.mark.parametrize(
    ("engine", "options"),
    [("void", {"passes": 2}), ("propagation", {}), ("identity", {}), ("auto", {"anything": 1})],
)
def test_what_a_server_has_is_no_problem(engine: str, options: dict[str, int]) -> None:
    assert engine_problem(Settings(engine=engine, engine_options=options), TOLD) == ""


@pytest.mark.parametrize(
    ("engine", "options", "words"),
    [
        (
            "viod",
            {},
            "$.settings.engine: there is no engine 'viod'; did you mean 'void'?",
        ),
        ("void", {"pases": 2}, "'pases' is not known to 'void'; did you mean 'passes'?"),
        ("void", {"xyzzy": 2}, "'xyzzy' is not known to 'void'; choose one of speed, passes"),
        ("identity", {"passes": 2}, "'passes' is not known to 'identity'; there are none: leave it out"),
    ],
)
def test_what_it_does_not_have_is_named(engine: str, options: dict[str, int], words: str) -> None:
    assert words in engine_problem(Settings(engine=engine, engine_options=options), TOLD)
