"""A task's words, read the short way and by the whole command: the same, or left to the whole command."""

from __future__ import annotations

import dataclasses
import inspect
from unittest import mock

import pytest
from typer.testing import CliRunner

from void_server.cli.commands import app
from void_server.cli.farm_step import step
from void_server.farm.step_order import StepOrder, read_order

WHOLE = ["--plan", "a b/plan.json", "--task", "12", "--scratch", "/s"]


@pytest.mark.parametrize(
    "words",
    [
        ["merge", *WHOLE],
        [*WHOLE, "remove"],
        ["check", "--plan=p=1.json", "--task=0", "--scratch", "s", "--dialect", "tractor"],
        ["prepare", *WHOLE, "--path-mapping", "rules.json", "--dialect=plain"],
    ],
)
def test_both_ways_read_the_same(words: list[str]) -> None:
    taken: list[StepOrder] = []
    with mock.patch("void_server.cli.farm_task.run_order", taken.append):
        ran = CliRunner().invoke(app, ["farm", "step", *words])
    assert ran.exit_code == 0, ran.output
    assert [read_order(words)] == taken


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["merge", *WHOLE, "--help"],
        ["merge", *WHOLE, "check"],
        ["merge", *WHOLE, "--task", "3"],
        ["merge", *WHOLE[2:]],
        ["merged", *WHOLE],
        ["merge", "--plan", "p", "--scratch", "s", "--task", "-1"],
        ["merge", "--plan", "p", "--scratch", "s", "--task", "one"],
        ["merge", "--plan", "p", "--task", "1", "--scratch"],
        ["merge", "--plan", "", "--task", "1", "--scratch", "s"],
        ["merge", *WHOLE, "--dialect", "latin"],
    ],
)
def test_what_is_unusual_is_left_to_the_whole_command(words: list[str]) -> None:
    assert read_order(words) is None


def test_the_command_and_the_order_have_the_same_fields() -> None:
    options = inspect.signature(step).parameters
    fields = {field.name: field for field in dataclasses.fields(StepOrder)}
    assert list(options) == list(fields)
    for name, option in options.items():
        missing = option.default is inspect.Parameter.empty
        assert (fields[name].default is dataclasses.MISSING) is missing, name
        assert missing or fields[name].default == option.default, name
