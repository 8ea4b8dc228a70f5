from __future__ import annotations

import json

import pytest

from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.results.record import LONGEST_RECORD, Record, read_record

RECORD = Record(
    job="a" * 32, folder="/results/removal_v012", name="removal", version=12, first=-3, last=4, offset=1000,
    box=(-8, 0, 1912, 1080), space="srgb", premultiplied=True, scale=0.5,
)  # fmt: skip


def test_a_record_is_one_short_line_and_comes_back() -> None:
    text = RECORD.text
    assert read_record(text) == RECORD
    assert "\n" not in text
    assert len(text) < 500
    assert RECORD.folder_name == "removal_v012"
    assert RECORD.file_name(-3) == "removal_v012.0997.exr"
    assert RECORD.total == 8


def test_what_a_later_release_adds_is_no_obstacle() -> None:
    assert read_record(json.dumps(json.loads(RECORD.text) | {"new": [1]})) == RECORD


@pytest.mark.parametrize(
    "change",
    [
        {"void": 2},
        {"job": "../../etc"},
        {"name": "a/b"},
        {"name": ""},
        {"folder": "relative"},
        {"version": 0},
        {"first": 5},
        {"last": 1 << 40},
        {"box": [0, 0, 1]},
        {"first": "1"},
        {"space": "s" * 300},
    ],
)
def test_a_record_that_makes_no_sense_is_refused(change: dict) -> None:
    with pytest.raises(BridgeError, match="press Remove again"):
        read_record(json.dumps(json.loads(RECORD.text) | change))


@pytest.mark.parametrize("text", ["null", "[]", "{", "\ud800", "[" * LONGEST_RECORD * 2, "7"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(BridgeError, match="press Remove"):
        read_record(text)
