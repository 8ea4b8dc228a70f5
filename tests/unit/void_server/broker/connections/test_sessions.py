from __future__ import annotations

from void_server.broker.connections.sessions import ClientSession, Sessions


def session(peer: bytes, key: bytes) -> ClientSession:
    return ClientSession(peer, key, key.decode(), "test", 1)


def test_a_session_is_that_of_the_key_that_opened_it() -> None:
    """A peer's name alone says nothing: another connection may bear it by then."""
    sessions = Sessions(60.0, 10)
    sessions.open(session(b"peer", b"anna"))
    assert sessions.heard(b"peer", b"bert") is None
    assert sessions.heard(b"other", b"anna") is None
    known = sessions.heard(b"peer", b"anna")
    assert known is not None
    assert known.owner == "anna"


def test_sessions_are_bounded_in_all_and_for_each_key() -> None:
    sessions = Sessions(60.0, 3, 2)
    for number, key in enumerate((b"anna", b"bert", b"anna")):
        assert not sessions.is_full
        assert not sessions.has_many(key)
        sessions.open(session(b"%d" % number, key))
    assert sessions.is_full
    assert (sessions.has_many(b"anna"), sessions.has_many(b"bert")) == (True, False)
    assert sessions.drop(b"0")
    assert not sessions.drop(b"0")
    assert not sessions.has_many(b"anna")
    assert (b"0" in sessions, len(sessions)) == (False, 2)


def test_who_is_revoked_or_silent_is_named() -> None:
    sessions = Sessions(60.0, 10)
    for key in (b"anna", b"bert"):
        sessions.open(session(key, key))
    assert sessions.revoked({b"anna"}) == [b"bert"]
    assert sessions.silent() == []
    found = sessions.get(b"bert")
    assert found is not None
    found.last_heard -= 61.0
    assert sessions.silent() == [b"bert"]
    sessions.heard(b"bert", b"anna")  # over somebody else's connection
    assert sessions.silent() == [b"bert"]
    sessions.heard(b"bert", b"bert")
    assert sessions.silent() == []
