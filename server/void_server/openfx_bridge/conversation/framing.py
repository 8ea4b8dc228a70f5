"""Messages as bytes, as ``docs/openfx_protocol.md`` describes them.

A message is named texts. Its bytes are its length and then its fields: two lengths, a key and a value each.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from void_server.openfx_bridge.errors import FramingError

Message = dict[str, str]

LONGEST_MESSAGE = 1 << 20
LONGEST_KEY = 64
LONGEST_VALUE = 64 * 1024
MOST_FIELDS = 256

_LENGTH = struct.Struct("<I")
_FIELD = struct.Struct("<HI")
_ODD = "surrogateescape"
"""How text that is not UTF-8, such as a path, comes through unchanged."""


def packed(message: Mapping[str, str]) -> bytes:
    """Return a message as bytes. A value that is longer than one may be loses its end.

    Raises:
        ValueError: for a message that no shortening makes fit; only a fault of this program does that.
    """
    if len(message) > MOST_FIELDS:
        raise ValueError(f"a message has {len(message)} fields; at most {MOST_FIELDS}")
    pieces = []
    for name, text in message.items():
        key = name.encode("ascii")
        if not 0 < len(key) <= LONGEST_KEY:
            raise ValueError(f"a field cannot be named {name!r}")
        value = _cut(text.encode("utf-8", _ODD))
        pieces += [_FIELD.pack(len(key), len(value)), key, value]
    payload = b"".join(pieces)
    if len(payload) > LONGEST_MESSAGE:
        raise ValueError(f"a message has {len(payload)} bytes; at most {LONGEST_MESSAGE}")
    return _LENGTH.pack(len(payload)) + payload


def _cut(value: bytes) -> bytes:
    if len(value) <= LONGEST_VALUE:
        return value
    end = LONGEST_VALUE
    while end and value[end] & 0xC0 == 0x80:  # do not end inside a character
        end -= 1
    return value[:end]


class MessageReader:
    """Takes bytes as they come and gives whole messages."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    @property
    def is_within(self) -> bool:
        """Whether a message has begun that is not whole."""
        return bool(self._waiting)

    def add(self, data: bytes) -> Iterator[Message]:
        """Take more bytes, and give the messages that are whole now.

        Raises:
            FramingError: at bytes that can be no message.
        """
        self._waiting += data
        while len(self._waiting) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._waiting)
            if length > LONGEST_MESSAGE:
                raise FramingError(f"a message of {length} bytes; at most {LONGEST_MESSAGE}")
            end = _LENGTH.size + length
            if len(self._waiting) < end:
                return
            payload = bytes(self._waiting[_LENGTH.size : end])
            del self._waiting[:end]
            yield _message(payload)


def _message(payload: bytes) -> Message:
    message: Message = {}
    at = fields = 0
    while at < len(payload):
        if len(payload) - at < _FIELD.size:
            raise FramingError("a message ends within a field")
        key_length, value_length = _FIELD.unpack_from(payload, at)
        at += _FIELD.size
        fields += 1
        if not 0 < key_length <= LONGEST_KEY:
            raise FramingError(f"a field's name has {key_length} bytes; 1 to {LONGEST_KEY}")
        if value_length > LONGEST_VALUE:
            raise FramingError(f"a field has {value_length} bytes; at most {LONGEST_VALUE}")
        if len(payload) - at < key_length + value_length:
            raise FramingError("a message ends within a field")
        if fields > MOST_FIELDS:
            raise FramingError(f"a message has more than {MOST_FIELDS} fields")
        name = payload[at : at + key_length].decode("ascii", "replace")
        at += key_length
        message[name] = payload[at : at + value_length].decode("utf-8", _ODD)
        at += value_length
    return message
