"""A proposal as the script keeps it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.fakes.proposed_files import box_ring, write_proposed_files
from void_nuke.errors import SelectionError
from void_nuke.export.pick import FileMatte
from void_nuke.host.host import FrameRange
from void_nuke.panel.kept_proposal import MOST_THINGS, KeptProposal, decoded, encoded, kept_from, parsed_runs
from void_nuke.panel.thing_outlines import read_outlines
from void_protocol.proposal import FrameReport, ProposalReport, Thing

REPORT = ProposalReport(
    release="1",
    shot="sh010",
    job_id="job0",
    matte="/shots/affected.%04d.exr",
    sources=["evidence"],
    frames=[FrameReport(frame=1001), FrameReport(frame=1040, unknown="the object never leaves")],
    things=[
        Thing(number=1, words="shadow below the object", kind="shadow", confidence=0.8),
        Thing(number=2, words="box", kind="moved", extensions=["whole", "fly"], frames="1003-1010"),
        Thing(number=3, words="bag", kind="belonging", role="remove"),
    ],
)


def _kept() -> KeptProposal:
    return kept_from(REPORT, plate="Read1", view="main")


def test_nothing_is_accepted_until_the_artist_does() -> None:
    kept = _kept()
    assert kept.frames == FrameRange(1001, 1040)
    assert kept.unknown == "the object never leaves"
    assert kept.mattes(FrameRange(1, 9999)) == ()
    assert kept.things[1].extensions == ["whole"]  # a way that this release does not know is not offered
    taken = kept.changed([1, 3], accepted=True)
    assert taken.mattes(FrameRange(1001, 1040)) == (
        FileMatte("affected", "/shots/affected.%04d.exr", "thing1.A"),
        FileMatte("remove", "/shots/affected.%04d.exr", "thing3.A"),
    )


def test_a_thing_is_extended_only_in_its_own_ways_and_grown() -> None:
    kept = _kept().changed([1, 2], extension="whole", accepted=True).changed([2], growth_px=6.0)
    assert kept.mattes(FrameRange(1005, 1006)) == (
        FileMatte("affected", "/shots/affected.%04d.exr", "thing2_whole.A", 6.0),
    )
    back = kept.changed([2], extension="")
    assert back.things[1].layer(1001) == "thing2"


def test_frames_that_were_not_looked_at_are_refused() -> None:
    kept = _kept().changed([1], accepted=True)
    with pytest.raises(SelectionError, match=r"1001-1040.*1001-1041"):
        kept.mattes(FrameRange(1001, 1041))


def test_the_script_brings_it_back_and_nonsense_is_none() -> None:
    kept = _kept().changed([2], accepted=True, growth_px=-2.0)
    assert decoded(encoded(kept)) == kept
    assert decoded("") is None
    assert decoded("{") is None
    assert decoded('{"job_id": 3}') is None


def test_what_a_file_says_beyond_reason_is_left_out(tmp_path: Path) -> None:
    many = [Thing(number=number, words="one", kind="none at all") for number in range(5000)]
    kept = kept_from(msgspec.structs.replace(REPORT, things=many), plate="Read1", view="main")
    assert len(kept.things) == MOST_THINGS
    pattern = str(tmp_path / "affected.%04d.exr")
    good = box_ring(0, 0, 9, 9)
    rings = [good, [1e300, *good[1:]], [1.0, 2.0], []]
    write_proposed_files(pattern, [], {1001: {"thing1": rings}, 1002: {}})
    (tmp_path / "affected.1003.exr").write_bytes(b"\x76\x2f\x31\x01 and no more")
    kept = msgspec.structs.replace(kept, pattern=pattern)
    assert read_outlines(kept) == {1001: {"thing1": [good]}, 1002: {}}


def test_frames_are_read_as_runs() -> None:
    whole = FrameRange(1, 9)
    assert parsed_runs("3-5,8", whole) == [(3, 5), (8, 8)]
    assert parsed_runs("", whole) == [(1, 9)]
    assert parsed_runs("many", whole) == [(1, 9)]


def test_a_thing_is_extended_on_a_part_of_the_frames() -> None:
    kept = _kept().changed([2], extension="whole", accepted=True).changed([2], extended_from=1010)
    pattern = "/shots/affected.%04d.exr"
    own = FileMatte("affected", pattern, "thing2.A")
    assert kept.mattes(FrameRange(1001, 1040)) == (
        own,
        FileMatte("affected", pattern, "thing2_whole.A", 0.0, FrameRange(1010, 1040)),
    )
    thing = kept.changed([2], extended_to=1020).things[1]
    assert [thing.layer(frame) for frame in (1009, 1010, 1020, 1021)] == [
        "thing2", "thing2_whole", "thing2_whole", "thing2",
    ]  # fmt: skip
    # Another way is for all frames again.
    assert not kept.changed([2], extension="whole").things[1].is_partly_extended
    assert decoded(encoded(kept)) == kept


@pytest.mark.parametrize(
    ("first", "then", "extended"),
    [
        ({"extended_to": 1010}, {"extended_from": 1020}, (1020, 1040)),
        ({"extended_from": 1020}, {"extended_to": 1010}, (1001, 1010)),
        ({"extended_to": 1010}, {"extended_from": 1010}, (1010, 1010)),
    ],
)
def test_the_end_that_was_set_last_stays(
    first: dict[str, int], then: dict[str, int], extended: tuple[int, int]
) -> None:
    """The overlay and the removal say the same, frame by frame."""
    kept = _kept().changed([2], extension="whole", accepted=True).changed([2], **first).changed([2], **then)
    on = kept.mattes(FrameRange(1001, 1040))[1].frames
    assert on == FrameRange(*extended)
    thing = kept.things[1]
    assert [frame for frame in range(1001, 1041) if thing.layer(frame) == thing.extended] == [*on.frames]


def test_an_extension_whose_ends_a_script_has_crossed_is_nowhere() -> None:
    kept = _kept().changed([2], extension="whole", accepted=True)
    crossed = msgspec.structs.replace(kept.things[1], extended_from=1020, extended_to=1010)
    kept = msgspec.structs.replace(kept, things=[crossed])
    assert [matte.channel for matte in kept.mattes(FrameRange(1001, 1040))] == ["thing2.A"]
    assert {crossed.layer(frame) for frame in range(1001, 1041)} == {"thing2"}
