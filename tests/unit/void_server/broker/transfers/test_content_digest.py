from __future__ import annotations

from void_server.broker.transfers.content_digest import ContentDigest


def digest(*parts: bytes) -> bytes:
    found = ContentDigest()
    for part in parts:
        found.add(part)
    return found.value


def test_it_says_where_one_text_ends_and_the_next_begins() -> None:
    lists = [(), (b"",), (b"ab",), (b"a", b"b"), (b"ab", b""), (b"b", b"a")]
    assert len({digest(*parts) for parts in lists}) == len(lists)
    assert digest(b"a", b"b") == digest(b"a", b"b")
