"""The options of an engine as it declares them, and what the artist has set of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from void_nuke.panel.engines import KnownEngines, Scalar
from void_protocol.engines import AUTO, OptionDescription
from void_protocol.name_hint import name_hint

Pairs = tuple[tuple[str, str], ...]
"""What the settings keep: ``ENGINE.OPTION`` and the value as JSON."""


@dataclass(frozen=True)
class OptionRow:
    """One option of the chosen engine."""

    told: OptionDescription
    value: Scalar
    """The value that a removal would use: the artist's own, the quality's or the default."""
    is_own: bool
    """Whether the artist set it."""


def option_rows(engines: KnownEngines, engine: str, quality: str, own: Pairs) -> list[OptionRow]:
    """Return the options of an engine in the order of its declaration; none for ``auto`` or an unknown
    engine."""
    told = engines.find(engine)
    if engine == AUTO or told is None:
        return []
    preset = told.presets.get(quality, {})
    mine = own_options(own, engine)
    rows = []
    for option in told.options:
        is_own = option.name in mine
        value = mine.get(option.name, preset.get(option.name, option.default))
        rows.append(OptionRow(option, value, is_own))
    return rows


def own_options(pairs: Pairs, engine: str) -> dict[str, Scalar]:
    """Return what the artist set for one engine. What is no value is left out."""
    found: dict[str, Scalar] = {}
    for name, text in pairs:
        owner, _, option = name.partition(".")
        try:
            value = json.loads(text)
        except ValueError:
            continue
        if owner == engine and option and isinstance(value, bool | int | float | str):
            found[option] = value
    return found


def with_option(pairs: Pairs, engine: str, option: str, value: Scalar | None) -> Pairs:
    """Return the pairs with an option set, or with None back at what the quality or the default says."""
    name = f"{engine}.{option}"
    others = tuple(pair for pair in pairs if pair[0] != name)
    return others if value is None else (*others, (name, json.dumps(value)))


def with_options(pairs: Pairs, engine: str, values: Mapping[str, Any]) -> Pairs:
    """Return the pairs with exactly these options of an engine."""
    others = tuple(pair for pair in pairs if not pair[0].startswith(f"{engine}."))
    return (*others, *((f"{engine}.{name}", json.dumps(value)) for name, value in values.items()))


def unknown_options(engines: KnownEngines, engine: str, own: Pairs) -> list[str]:
    """Return what is kept for an engine that does not have it any more."""
    told = engines.find(engine)
    names = set() if told is None else {option.name for option in told.options}
    return [] if told is None else sorted(set(own_options(own, engine)) - names)


def unknown_options_problem(engines: KnownEngines, engine: str, own: Pairs) -> str:
    """Say that the script keeps options which the server's engine does not have, so that a server would
    refuse the job; empty when it keeps none."""
    names = unknown_options(engines, engine, own)
    told = engines.find(engine)
    if told is None or not names:
        return ""
    options = [option.name for option in told.options]
    hint = f" ({name_hint(names[0], options)})" if len(names) == 1 and options else ""
    return (
        f"this script keeps {', '.join(map(repr, names))}, which the server's {told.title} "
        f"does not have{hint}; press Forget below the engine's options"
    )


def without_unknown(engines: KnownEngines, engine: str, own: Pairs) -> Pairs:
    """Return the pairs without those that the engine does not have."""
    gone = {f"{engine}.{name}" for name in unknown_options(engines, engine, own)}
    return tuple(pair for pair in own if pair[0] not in gone)


def value_of_text(told: OptionDescription, text: str) -> Scalar:
    """Read what an artist types for an option.

    Raises:
        ValueError: when the text is no value of its kind; the message says what it takes.
    """
    text = text.strip()
    if told.kind == "text" or (told.default == "auto" and text == "auto"):
        return text
    try:
        value = int(text) if told.kind == "int" else float(text)
    except ValueError:
        kind = "a whole number" if told.kind == "int" else "a number"
        raise ValueError(f"{told.name} takes {kind}{_range(told)}, not {text!r}") from None
    if (told.low is not None and value < told.low) or (told.high is not None and value > told.high):
        raise ValueError(f"{told.name} takes{_range(told)}, not {text}")
    return value


def _range(told: OptionDescription) -> str:
    low = "" if told.low is None else f" from {told.low:g}"
    return low + ("" if told.high is None else f" up to {told.high:g}")
