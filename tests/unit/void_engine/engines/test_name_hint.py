from __future__ import annotations

import inspect

from void_engine.engines.name_hint import name_hint
from void_protocol import name_hint as protocols


def test_engine_and_protocol_give_the_same_advice() -> None:
    assert inspect.getsource(name_hint) == inspect.getsource(protocols.name_hint)
