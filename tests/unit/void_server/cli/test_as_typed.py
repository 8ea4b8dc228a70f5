"""Errors of a job that is made on a command line, in the words of the options."""

from __future__ import annotations

import pytest

from void_engine.errors import SettingError
from void_protocol.errors import JobError
from void_server.cli.as_typed import named_as_typed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("settings.engine: there is no engine 'x'", "--engine: there is no engine 'x'"),
        ("$.anchors.frames: frame 5 is outside", "--anchor: frame 5 is outside"),
        ("$.settings.region.box[2]: too small", "--region: too small"),
        ("$.settings.matte.growth_px: at most 256", "--grow: at most 256"),
        ("$.shot.format.width: at least 1", "$.shot.format.width: at least 1"),
        ("$.mattes[0].pattern: no name", "$.mattes[0].pattern: no name"),
        ("engine option 'k' is not known: use grain", "engine option 'k' is not known: use grain"),
        ("$.settings.seed: low\n$.output.version: low", "--seed: low\n--version: low"),
    ],
)
def test_a_field_that_an_option_fills_is_called_by_it(text: str, told: str) -> None:
    for kind in (JobError, SettingError):
        with pytest.raises(kind) as found, named_as_typed():
            raise kind(text)
        assert str(found.value) == told


def test_other_errors_pass() -> None:
    with pytest.raises(ValueError, match=r"settings\.engine: x"), named_as_typed():
        raise ValueError("settings.engine: x")
