"""Things of a proposal, as they are accepted by typing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from void_protocol.proposal import ProposalReport, Thing
from void_server.cli.accepted_things import accepted_mattes
from void_server.cli.explain import CommandError

REPORT = ProposalReport(
    release="1",
    shot="sh010",
    job_id="0" * 32,
    matte="/shots/affected.%04d.exr",
    sources=["evidence"],
    frames=[],
    things=[
        Thing(number=1, words="shadow below the object", kind="shadow"),
        Thing(number=2, words="box", kind="moved", extensions=["whole", "path"]),
        Thing(number=3, words="bag", kind="belonging", role="remove"),
    ],
)


def _accepted(**options: Any) -> list[tuple[str, str, float]]:
    return [(one.role, one.channel, one.growth_px) for one in accepted_mattes(REPORT, **options)]


def test_without_a_word_the_whole_proposal_is_one_matte_and_belongings_go_with_the_object() -> None:
    assert _accepted() == [("affected", "A", 0.0), ("remove", "thing3.A", 0.0)]
    shadow = msgspec.structs.replace(REPORT, things=REPORT.things[:2])
    assert [one.channel for one in accepted_mattes(shadow)] == ["A"]


@pytest.mark.parametrize(
    ("options", "channels"),
    [
        ({"accept": ["all"]}, ["thing1.A", "thing2.A", "thing3.A"]),
        ({"accept": ["1,moved"]}, ["thing1.A", "thing2.A"]),
        ({"accept": ["1", "3"], "reject": ["belonging"]}, ["thing1.A"]),
        ({"reject": ["2"]}, ["thing1.A", "thing3.A"]),
        ({"accept": ["1"], "extend": ["2=path"]}, ["thing1.A", "thing2_path.A"]),
        ({"accept": ["1"], "grow": ["2=3"], "extend": ["2=whole"]}, ["thing1.A", "thing2_whole.A"]),
    ],
)
def test_things_are_taken_by_number_and_kind(options: dict[str, list[str]], channels: list[str]) -> None:
    assert [channel for _, channel, _ in _accepted(**options)] == channels


def test_a_thing_has_its_role_and_its_growth() -> None:
    assert _accepted(accept=["3"], grow=["1=-2.5"]) == [
        ("affected", "thing1.A", -2.5),
        ("remove", "thing3.A", 0.0),
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"accept": ["4"]}, "1 to 3"),
        ({"accept": ["mirror"]}, "belonging, moved, shadow"),
        ({"extend": ["1=whole"]}, "none"),
        ({"extend": ["2=support"]}, "whole, path"),
        ({"extend": ["2"]}, "NUMBER=VALUE"),
        ({"grow": ["2=far"]}, "from -256 to 256"),
        ({"grow": ["2=999"]}, "from -256 to 256"),
        ({"grow": ["2=nan"]}, "from -256 to 256"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(options: dict[str, list[str]], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        _accepted(**options)


def test_a_thing_is_extended_on_some_frames_only() -> None:
    made = accepted_mattes(REPORT, accept=["2"], extend=["2=whole@1010-1020"], grow=["2=3"])
    assert [(one.channel, one.growth_px, one.frames) for one in made] == [
        ("thing2.A", 3.0, msgspec.UNSET),
        ("thing2_whole.A", 3.0, (1010, 1020)),
    ]
    for wrong in ("2=whole@1020-1010", "2=whole@x"):
        with pytest.raises(CommandError, match="frames after @"):
            accepted_mattes(REPORT, extend=[wrong])
