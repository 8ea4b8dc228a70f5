from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.openfx_standin import pack, unpack
from void_server.openfx_bridge.conversation import framing
from void_server.openfx_bridge.conversation.framing import MessageReader, packed
from void_server.openfx_bridge.errors import FramingError

KEYS = st.text("abcdefghijklmnop.x_19", min_size=1, max_size=framing.LONGEST_KEY)
MESSAGES = st.dictionaries(KEYS, st.text(max_size=300), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGES, max_size=4), st.integers(1, 50))
def test_messages_come_through_whatever_pieces_they_arrive_in(messages: list, step: int) -> None:
    data = b"".join(packed(message) for message in messages)
    reader = MessageReader()
    came = [one for at in range(0, len(data), step) for one in reader.add(data[at : at + step])]

    assert came == messages
    assert not reader.is_within


@settings(max_examples=60, deadline=None)
@given(MESSAGES)
def test_both_sides_write_the_same_bytes(message: dict) -> None:
    assert packed(message) == pack(message)
    assert unpack(packed(message)[4:]) == message


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_messages_or_an_error(data: bytes) -> None:
    with suppress(FramingError):
        for message in MessageReader().add(data):
            assert len(message) <= framing.MOST_FIELDS


@settings(max_examples=100, deadline=None)
@given(MESSAGES.filter(bool), st.data())
def test_a_message_of_changed_bytes_is_a_message_or_an_error(message: dict, data: st.DataObject) -> None:
    whole = bytearray(packed(message))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(FramingError):
        list(MessageReader().add(bytes(whole)))


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<I", framing.LONGEST_MESSAGE + 1),
        struct.pack("<IHI", 6, 0, 0),
        struct.pack("<IHI", 6, 65, 0),
        struct.pack("<IHI", 6, 1, framing.LONGEST_VALUE + 1),
        struct.pack("<IHI", 6, 1, 1),
        struct.pack("<IHB", 3, 1, 1),
    ],
)
def test_what_can_be_no_message_is_refused_before_it_is_waited_for(data: bytes) -> None:
    with pytest.raises(FramingError):
        list(MessageReader().add(data))


def test_too_many_fields_are_no_message() -> None:
    fine = {f"k{number}": "" for number in range(framing.MOST_FIELDS)}
    assert list(MessageReader().add(pack(fine))) == [fine]
    with pytest.raises(FramingError, match="256"):
        list(MessageReader().add(pack(fine | {"one": "more"})))
    with pytest.raises(ValueError, match="257"):
        packed(fine | {"one": "more"})


def test_a_long_value_loses_its_end_and_no_half_character() -> None:
    message = {"log": "ä" * framing.LONGEST_VALUE, "id": "7"}
    (came,) = MessageReader().add(packed(message))

    assert came["id"] == "7"
    assert came["log"] == "ä" * (framing.LONGEST_VALUE // 2)


def test_paths_that_are_no_utf8_come_through() -> None:
    path = b"/shots/\xff\xfe/plate"
    payload = struct.pack("<HI", 1, len(path)) + b"p" + path
    (came,) = MessageReader().add(struct.pack("<I", len(payload)) + payload)

    assert packed(came)[4:] == payload


def test_the_limits_are_those_of_the_document() -> None:
    text = (Path(__file__).parents[5] / "docs" / "openfx_protocol.md").read_text(encoding="utf-8")

    assert f"| a message | {framing.LONGEST_MESSAGE >> 20} MiB |" in text
    assert f"| {framing.LONGEST_KEY} bytes, {framing.LONGEST_VALUE >> 10} KiB |" in text
    assert f"| fields of a message | {framing.MOST_FIELDS} |" in text
