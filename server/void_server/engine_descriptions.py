"""Describes the engines of this machine in the protocol's terms, for the server and for ``void engines``."""

from __future__ import annotations

from void_engine.engines.info import EngineInfo
from void_engine.engines.options import EngineOption
from void_engine.engines.registry import engines
from void_protocol.messages import EngineDescription, OptionDescription


def describe_engines() -> list[EngineDescription]:
    """Describe all installed engines, sorted by name, and say whether each can run here. None of them is
    loaded."""
    return [describe(info) for info in engines().values()]


def describe(info: EngineInfo) -> EngineDescription:
    """Describe one engine, and say whether it can run here."""
    return EngineDescription(
        name=info.name,
        title=info.title,
        summary=info.summary,
        problem=info.problem(),
        reads_prompt=info.reads_prompt,
        needs_prompt=info.needs_prompt,
        is_for_artists=info.is_for_artists,
        options=[_option(one) for one in info.options],
        presets={quality: dict(options) for quality, options in info.presets.items()},
    )


def _option(one: EngineOption) -> OptionDescription:
    return OptionDescription(
        name=one.name,
        kind=one.kind,
        default=one.plain_default,
        help=one.help,
        choices=list(one.choices),
        low=one.low,
        high=one.high,
    )
