from __future__ import annotations

import pytest

from void_server.openfx_bridge.conversation.fields import Fields
from void_server.openfx_bridge.errors import BridgeError


def fields(**values: str) -> Fields:
    return Fields({"type": "begin", **values})


def test_fields_are_read_by_their_kind() -> None:
    given = fields(a="-3", b="0.5", c="1", d="half", e="text", f="", x1="-4", y1="0", x2="6", y2="1")

    assert given.integer("a", low=-5, high=5) == -3
    assert given.integer("f", 9, low=0, high=5) == 9
    assert given.number("b", 1.0, low=0, high=1) == 0.5
    assert given.number("z", 1.0, low=0, high=1) == 1.0
    assert given.is_on("c")
    assert not given.is_on("z")
    assert given.choice("d", "float", ("float", "half")) == "half"
    assert given.choice("f", "float", ("float", "half")) == "float"
    assert given.text("e") == "text"
    assert given.box(10) == (-4, 0, 6, 1)


@pytest.mark.parametrize("text", ["", "x", "1.5", "0x10", "6", "-6", "٣", "9" * 30, "1 ", "\n1"])
def test_what_is_no_whole_number_of_the_range_is_named(text: str) -> None:
    with pytest.raises(BridgeError, match="frame"):
        fields(frame=text).integer("frame", low=-5, high=5)


@pytest.mark.parametrize("text", ["x", "nan", "inf", "-0.1", "1,5", "1e999"])
def test_what_is_no_number_of_the_range_is_named(text: str) -> None:
    with pytest.raises(BridgeError, match="grow"):
        fields(grow=text).number("grow", 0.0, low=0, high=2)


def test_missing_and_odd_fields_are_named() -> None:
    with pytest.raises(BridgeError, match="begin' lacks its field record"):
        fields().text("record")
    with pytest.raises(BridgeError, match="zero byte"):
        fields(folder="/a\0b").text("folder")
    with pytest.raises(BridgeError, match="UTF-8"):
        fields(folder="/a\udcff").encodable("folder")
    with pytest.raises(BridgeError, match="0, 1"):
        fields(background="yes").is_on("background")
    with pytest.raises(BridgeError, match="no picture"):
        fields(x1="0", y1="0", x2="0", y2="5").box(10)
    with pytest.raises(BridgeError, match="no picture"):
        fields(x1="0", y1="0", x2="11", y2="5").box(10)
