"""Clean frames as the settings keep them."""

from __future__ import annotations

from void_nuke.export.pick import AnchorChoice
from void_nuke.panel.clean_frames import as_pairs, clean_frames, in_words, with_frame, without_frame

PAINTED, HELD = AnchorChoice(1005, "Group1.Read3", 1005), AnchorChoice(1020, "Read4", 1)


def test_they_come_back_in_their_order() -> None:
    pairs = with_frame(with_frame((), HELD), PAINTED)
    assert clean_frames(pairs) == (PAINTED, HELD)
    assert clean_frames(as_pairs(clean_frames(pairs))) == (PAINTED, HELD)


def test_one_frame_has_one_and_can_be_dropped() -> None:
    pairs = with_frame(as_pairs([PAINTED, HELD]), AnchorChoice(1005, "Read9", 3))
    assert clean_frames(pairs) == (AnchorChoice(1005, "Read9", 3), HELD)
    assert clean_frames(without_frame(pairs, 1005)) == (HELD,)
    assert without_frame(pairs, 7) == pairs


def test_what_is_none_is_left_out() -> None:
    assert clean_frames((("x", "Read1@1"), ("5", "Read1"), ("6", "@6"), ("7", "Read1@y"))) == ()


def test_they_are_told_in_words() -> None:
    assert in_words([PAINTED, HELD]) == "1005 of Group1.Read3, 1020 of Read4 at 1"
