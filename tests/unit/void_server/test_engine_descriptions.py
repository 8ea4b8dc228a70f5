"""The engines in the protocol's words."""

from __future__ import annotations

import msgspec

from void_engine.engines.registry import engine_info, engines
from void_protocol.messages import EngineDescription
from void_server.engine_descriptions import describe, describe_engines


def test_what_is_told_survives_the_wire() -> None:
    told = describe_engines()
    assert [one.name for one in told] == list(engines())
    assert msgspec.json.decode(msgspec.json.encode(told), type=list[EngineDescription]) == told


def test_an_option_is_told_as_it_is_declared() -> None:
    info = engine_info("void")
    told = describe(info)
    assert (told.title, told.reads_prompt, told.is_for_artists) == ("VOID model", True, True)
    assert told.presets == {"preview": {"speed": "draft"}, "finest": {"passes": 2}}
    options = {one.name: one for one in told.options}
    assert len(options) == len(info.options)
    assert (options["passes"].kind, options["passes"].low, options["passes"].high) == ("int", 1, 2)
    assert options["exposure_stops"].default == "auto", "not a number cannot travel"
    assert options["speed"].choices == ["exact", "fast", "draft"]
    assert all(one.help for one in told.options)
