from __future__ import annotations

from void_protocol.name_hint import name_hint


def test_names_like_it_are_offered_else_all() -> None:
    assert name_hint("viod", ["auto", "void"]) == "did you mean 'void'?"
    assert name_hint("spool_byte", ["spool_bytes", "client_spool_bytes", "home"]) == (
        "did you mean 'spool_bytes' or 'client_spool_bytes'?"
    )
    assert name_hint("xyzzy", ["auto", "void"]) == "choose one of auto, void"
    assert name_hint("xyzzy", ["auto", "void"], "'--list' shows all") == "'--list' shows all"
    assert name_hint("void", []) == "there are none: leave it out"
