"""Messages as the plug-in reads and writes them, against the bytes that the protocol says."""

from __future__ import annotations

import ctypes
import locale
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def packed(fields: dict[str, str]) -> bytes:
    """A message by the letter of the protocol, its fields in the order of their names."""
    payload = b"".join(
        struct.pack("<HI", len(key.encode()), len(value.encode())) + key.encode() + value.encode()
        for key, value in sorted(fields.items())
    )
    return struct.pack("<I", len(payload)) + payload


def reframed(driver: ctypes.CDLL, stream: bytes, piece: int = 1 << 20) -> bytes | None:
    """The messages of a stream as the plug-in writes them again; None where it says that they are none."""
    room = len(stream) + 1
    again = ctypes.create_string_buffer(room)
    length = driver.driver_reframe(stream, len(stream), piece, again, room)
    assert length >= -1
    return None if length == -1 else again.raw[:length]


KEYS = st.text("abcdefghijklmnopqrstuvwxyz_.", min_size=1, max_size=64)
VALUES = st.text(max_size=200)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(messages=st.lists(st.dictionaries(KEYS, VALUES, max_size=20), max_size=4), piece=st.integers(1, 40))
def test_messages_come_through_in_any_pieces(
    driver: ctypes.CDLL, messages: list[dict[str, str]], piece: int
) -> None:
    stream = b"".join(map(packed, messages))

    assert reframed(driver, stream, piece) == stream


@settings(max_examples=300, deadline=None)
@given(stream=st.binary(max_size=400), piece=st.integers(1, 50))
def test_any_bytes_are_messages_or_refused(driver: ctypes.CDLL, stream: bytes, piece: int) -> None:
    whole, in_pieces = reframed(driver, stream), reframed(driver, stream, piece)

    assert whole == in_pieces


@settings(max_examples=200, deadline=None)
@given(fields=st.dictionaries(KEYS, VALUES, min_size=1, max_size=5), data=st.data())
def test_a_damaged_message_is_none_or_another(
    driver: ctypes.CDLL, fields: dict[str, str], data: st.DataObject
) -> None:
    stream = bytearray(packed(fields))
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= data.draw(st.integers(1, 255))

    reframed(driver, bytes(stream))


def field(key: bytes, value: bytes, key_length: int | None = None, value_length: int | None = None) -> bytes:
    lengths = (
        len(key) if key_length is None else key_length,
        len(value) if value_length is None else value_length,
    )
    return struct.pack("<HI", *lengths) + key + value


@pytest.mark.parametrize(
    "payload",
    [
        field(b"", b"x"),
        field(b"k" * 65, b""),
        field(b"key", b"value", value_length=6),
        field(b"key", b"", value_length=0xFFFFFFFF),
        field(b"key", b"v" * 65537),
        field(b"key", b"value") + b"\1",
        b"".join(field(b"k%d" % number, b"") for number in range(257)),
    ],
    ids=["no key", "long key", "ends early", "huge", "long value", "half a field", "many fields"],
)
def test_what_breaks_a_limit_is_refused(driver: ctypes.CDLL, payload: bytes) -> None:
    assert reframed(driver, struct.pack("<I", len(payload)) + payload) is None


def test_a_message_may_be_as_long_as_the_limits_say(driver: ctypes.CDLL) -> None:
    fields = {f"k{number:02}": "v" * 65536 for number in range(15)}
    assert reframed(driver, packed(fields)) == packed(fields)
    assert reframed(driver, struct.pack("<I", (1 << 20) + 1)) is None


@pytest.mark.parametrize("value", [0.0, 0.5, -3.25, 1e-9, 0.1, 1e300, 23.976, 2147483647.0])
def test_numbers_keep_their_value_in_every_locale(driver: ctypes.CDLL, value: float) -> None:
    text = ctypes.create_string_buffer(64)
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        for name in ("de_DE.UTF-8", "de_DE.utf8", "C"):
            try:
                locale.setlocale(locale.LC_NUMERIC, name)
            except locale.Error:
                continue
            assert driver.driver_number(value, text, 64) > 0
            assert float(text.value) == value
            assert driver.driver_parse(text.value) == value
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)


@pytest.mark.parametrize(
    "text", [b"", b"x", b"1,5", b"1 ", b" 1", b"nan", b"inf", b"1e999", b"0x10", b"1.5.2"]
)
def test_what_is_no_number_is_none(driver: ctypes.CDLL, text: bytes) -> None:
    assert driver.driver_parse(text) == -1234.0
    assert math.isfinite(driver.driver_parse(b"12"))


def test_a_child_gets_the_environment_without_what_bends_python(driver: ctypes.CDLL) -> None:
    for name in (b"PYTHONHOME=/host", b"PYTHONPATH=", b"LD_LIBRARY_PATH=/host/lib", b"LD_PRELOAD=x.so"):
        assert driver.driver_is_bent(name) == 1, name
    for name in (b"PATH=/bin", b"VOID_HOME=/h", b"OCIO=/c.ocio", b"PYTHONHOMELY=1", b"HOME=/"):
        assert driver.driver_is_bent(name) == 0, name
