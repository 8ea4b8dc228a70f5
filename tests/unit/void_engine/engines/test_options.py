"""Options are declared once and checked by their declaration."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from void_engine.engines.options import EngineOption, Scalar, check_values, option, options_of, read_options
from void_engine.errors import SettingError


@dataclass(frozen=True, slots=True)
class Toy:
    count: int = option(3, "How many.", low=1, high=9)
    size: float = option(1.5, "How large.", low=0)
    stops: float = option(math.nan, "How bright.", low=-20, high=20)
    way: str = option("near", "Which way.", choices=("near", "far"))
    is_fast: bool = option(False, "Whether it hurries.")
    name: str = option("", "Any text.")
    not_an_option: int = 7


OPTIONS = {one.name: one for one in options_of(Toy)}


def test_a_declaration_says_everything_once() -> None:
    assert list(OPTIONS) == ["count", "size", "stops", "way", "is_fast", "name"]
    assert OPTIONS["count"] == EngineOption("count", "int", 3, "How many.", (), 1, 9)
    assert [one.kind for one in OPTIONS.values()] == ["int", "float", "float", "text", "bool", "text"]
    assert [one.domain for one in OPTIONS.values()] == [
        "1..9", "0 or more", "-20..20", "near, far", "true or false", "text",
    ]  # fmt: skip
    assert [one.default_text for one in OPTIONS.values()] == ["3", "1.5", "auto", "near", "false", '""']
    assert Toy() == Toy(count=3)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"count": "4"}, 4),
        ({"count": 4.0}, 4),
        ({"size": 2}, 2.0),
        ({"size": "2.5"}, 2.5),
        ({"is_fast": "yes"}, True),
        ({"is_fast": False}, False),
        ({"way": "far"}, "far"),
        ({"name": 5}, "5"),
    ],
)
def test_values_come_in_the_options_own_type(given: dict[str, Scalar], value: Scalar) -> None:
    (read,) = check_values("toy", OPTIONS.values(), given).values()
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cuont": 4}, "'cuont' is not known to 'toy'; did you mean 'count'"),
        ({"xyzzy": 4}, "choose one of count, size"),
        ({"not_an_option": 1}, "is not known"),
        ({"count": 0}, r"count is 0; it must be in 1\.\.9"),
        ({"count": math.inf}, "takes a whole number"),
        ({"count": True}, "takes a whole number"),
        ({"count": 4.5}, "takes a whole number"),
        ({"size": True}, "takes a number"),
        ({"size": "auto"}, "takes a number"),
        ({"size": math.nan}, "takes a number"),
        ({"size": -1}, "must be 0 or more"),
        ({"stops": 21}, r"must be in -20\.\.20"),
        ({"is_fast": 1}, "takes true or false"),
        ({"is_fast": "perhaps"}, "takes true or false"),
        ({"way": "up"}, "choose one of near, far"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name(given: dict[str, Scalar], words: str) -> None:
    with pytest.raises(SettingError, match=words) as refused:
        check_values("toy", OPTIONS.values(), given)
    assert next(iter(given)) in str(refused.value)


def test_an_engine_without_options_says_so() -> None:
    with pytest.raises(SettingError, match="there are none: leave it out"):
        check_values("toy", (), {"speed": 1})


def test_the_dataclass_is_read_with_other_defaults_for_some() -> None:
    read = read_options(Toy, "toy", {"stops": "auto", "size": 2}, {"count": 5, "size": 4.0})
    assert (read.count, read.size, read.way) == (5, 2.0, "near")
    assert math.isnan(read.stops)
