from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from msgspec import Meta
from typer.testing import CliRunner

from void_server.cli.declared_options import Given, with_options
from void_server.errors import ServerSettingError
from void_server.settings.declaration import DeclaredSettings, option
from void_server.settings.kinds import Bytes, Count


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Order(DeclaredSettings):
    folder: Annotated[Path, Meta(description="Where it goes."), option("--output", "-o")]
    count: Annotated[Count, Meta(le=9, description="How many."), option("--count")] = 3
    memory: Annotated[Bytes, Meta(description="How much."), option("--memory")] = 2048
    names: Annotated[tuple[str, ...], Meta(description="Who."), option("--name")] = ()
    colour: Annotated[Colour, Meta(description="Which."), option("--colour")] = Colour.RED
    delay: Annotated[float, Meta(description="When."), option("--delay")] = 0.0
    is_fast: Annotated[bool, Meta(description="Hurry."), option("--fast")] = False
    place: Annotated[
        str | None, Meta(description="Whence."), option("--place", variable="PLACE_OF_IT", otherwise="home")
    ] = None
    hidden: Annotated[int, Meta(description="Not on the command line.")] = 7


def run(words: list[str], *, only_given: bool = False, place: str | None = None) -> tuple[Any, Any]:
    taken: list[Any] = []

    def whole(order: Order, verbose: Annotated[bool, typer.Option("--verbose")] = False) -> None:
        taken.append((order, verbose))

    def given(order: Given[Order]) -> None:
        taken.append(order)

    # What is local cannot be named in an annotation that is text.
    whole.__annotations__["order"] = Order
    given.__annotations__["order"] = Given[Order]
    app = typer.Typer()
    app.command()(with_options(given if only_given else whole))
    ran = CliRunner().invoke(app, words, env={"PLACE_OF_IT": place})
    return ran, taken[0] if taken else None


def plain(output: str) -> str:
    """What is said, without the frame around it."""
    return " ".join(output.replace("│", " ").split())


def test_a_group_is_made_of_what_was_given_and_defaults(tmp_path: Path) -> None:
    words = ["-o", str(tmp_path), "--memory", "5G", "--name", "a", "--name", "b", "--colour", "blue"]
    ran, taken = run([*words, "--fast", "--verbose"], place="attic")
    assert ran.exit_code == 0, ran.output
    expected = Order(
        folder=tmp_path,
        memory=5 * 1024**3,
        names=("a", "b"),
        colour=Colour.BLUE,
        is_fast=True,
        place="attic",
    )
    assert taken == (expected, True)


def test_only_what_was_given_and_nothing_of_the_environment(tmp_path: Path) -> None:
    ran, taken = run(["-o", str(tmp_path), "--count", "4"], only_given=True, place="attic")
    assert ran.exit_code == 0, ran.output
    assert taken == {"folder": tmp_path, "count": 4}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--count", "0"], "greater than or equal to 1"),
        (["--colour", "pink"], "'red'"),
        (["--hidden", "3"], "No such option"),
    ],
)
def test_what_does_not_fit_is_a_bad_command_line(words: list[str], text: str) -> None:
    ran, taken = run(["-o", "/x", *words])
    assert ran.exit_code == 2
    assert text in plain(ran.output)
    assert taken is None


def test_what_must_be_given() -> None:
    ran, _ = run([])
    assert ran.exit_code == 2
    assert "--output" in ran.output


def test_what_the_group_refuses_is_told_with_the_option() -> None:
    ran, _ = run(["-o", "/x", "--memory", "lots"])
    assert isinstance(ran.exception, ServerSettingError)
    assert str(ran.exception).startswith("--memory: 'lots' does not fit; use a number of bytes")


def test_the_help_says_what_the_declaration_says() -> None:
    ran, _ = run(["--help"])
    for text in (
        "How many. Default: 3.",
        "How much. Default: 2K.",
        "When. Default: 0.",
        "Default: PLACE_OF_IT, else home.",
        "[required]",
    ):
        assert text in plain(ran.output)
    assert "Who. Default" not in plain(ran.output)
    assert "Hurry. Default" not in plain(ran.output)
    assert "Where it goes. Default" not in plain(ran.output)
