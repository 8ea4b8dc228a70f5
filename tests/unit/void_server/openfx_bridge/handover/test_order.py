from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from void_engine.engines.registry import best_engine_here, engine_info
from void_server.openfx_bridge.conversation.fields import Fields
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.handover.order import read_order
from void_server.openfx_bridge.results.folder import ResultFolder
from void_server.openfx_bridge.results.record import Record, read_record

LEAST = {"type": "begin", "first": "1001", "last": "1010", "x1": "-8", "y1": "0", "x2": "1912", "y2": "1080"}


def order(**fields: str) -> Any:
    return read_order(Fields(LEAST | fields))


def test_the_least_that_is_said_makes_an_order() -> None:
    made = order()
    assert made.folder.is_absolute()
    assert made.folder.name == "VOID"
    assert (made.name, made.version, made.size, made.pixel_aspect) == ("removal", 0, (1920, 1080), 1.0)
    assert (made.settings.proxy_scale, made.settings.seed, made.settings.matte.growth_px) == (1.0, 42, "auto")
    assert made.settings.matte.softness_px == 4.0
    assert made.space.is_as_it_comes


def test_all_that_can_be_said_reaches_the_settings(tmp_path: Path) -> None:
    made = order(
        folder=str(tmp_path), name="sh 010/plate", version="3", engine="propagation", prompt=" A table. ",
        scale="0.5", colour_space="ACEScct", premultiplied="1", grow="-1.5", soften="0", seed="7", fps="25",
    )  # fmt: skip
    assert (made.folder, made.name, made.version) == (tmp_path, "sh_010_plate", 3)
    assert made.settings.engine == "propagation"
    assert (made.settings.prompt, made.settings.proxy_scale, made.settings.seed) == ("A table.", 0.5, 7)
    assert (made.settings.matte.growth_px, made.settings.matte.softness_px) == (-1.5, 0.0)
    assert (made.space.name, made.space.is_premultiplied) == ("ACEScct", True)


@pytest.mark.parametrize(("scale", "expected"), [("1", 0.25), ("0.5", 0.25), ("0.125", 0.125)])
def test_a_preview_works_at_most_at_a_quarter(scale: str, expected: float) -> None:
    assert order(quality="preview", scale=scale).settings.proxy_scale == expected
    assert order(quality="final", scale=scale).settings.proxy_scale == float(scale)


def test_options_of_the_engine_go_before_its_preset_and_the_text_before_both() -> None:
    preset = dict(engine_info("propagation").presets.get("finest", {}))
    assert order(engine="propagation", quality="finest").settings.engine_options == preset
    made = order(
        engine="propagation", options="grain=0.25,  fill=smooth", **{
            "option.propagation.grain": "0.5", "option.propagation.sources": "far",
            "option.propagation.motion": "",
            "option.void.steps": "3",
        },
    )  # fmt: skip
    final = dict(engine_info("propagation").presets.get("final", {}))
    assert made.settings.engine_options == final | {"grain": 0.25, "fill": "smooth", "sources": "far"}
    # What stands at its default in the host is not the artist's choice, so the preset's stays.
    default = {f"option.propagation.{name}": "balanced" for name in ("sources",)}
    assert order(engine="propagation", quality="finest", **default).settings.engine_options == preset


def test_automatic_stays_automatic_unless_it_has_options() -> None:
    best = best_engine_here()
    presets = engine_info(best).presets.get("final", {})
    assert order().settings.engine == (best if presets else "auto")
    if best == "propagation":
        assert order(**{"option.propagation.grain": "0.5"}).settings.engine == "propagation"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"last": "1000"}, "1001 to 1000"),
        ({"last": "900000"}, "100000 frames"),
        ({"x2": "-8"}, "no picture"),
        ({"x2": "90000"}, "65536"),
        ({"engine": "magic"}, "magic"),
        ({"engine": "propagation", "options": "grian=1"}, "did you mean"),
        ({"engine": "propagation", "option.propagation.grain": "much"}, "grain"),
        ({"engine": "propagation", "option.propagation.fill": "paint"}, "texture"),
        ({"options": "grain"}, "NAME=VALUE"),
        ({"colour_space": "mauve"}, "mauve"),
        ({"folder": "here"}, "not absolute"),
        ({"folder": "/shots/%04d"}, "frames or versions"),
        ({"folder": "/shots/####"}, "frames or versions"),
        ({"folder": "/shots/\udcff"}, "UTF-8"),
        ({"quality": "best"}, "preview, final, finest"),
        ({"grow": "wide"}, "grow"),
        ({"pixel_aspect": "0"}, "pixel_aspect"),
        ({"seed": "-1"}, "seed"),
    ],
)
def test_what_is_wrong_is_named_before_any_frame_is_fetched(fields: dict[str, str], said: str) -> None:
    with pytest.raises(BridgeError, match=said):
        order(**fields)


def proposed(folder: Path, frames: range = range(1001, 1011), **changes: Any) -> str:
    """The record of a proposal whose files are there, for all frames of ``LEAST``."""
    record = Record(
        job="a" * 32, folder=str(folder / "proposal_v002"), name="proposal", version=2, first=1001, last=1010,
        box=(-8, 0, 1912, 1080), task="propose",
    )  # fmt: skip
    (folder / "proposal_v002").mkdir(exist_ok=True)
    for frame in frames:
        (folder / "proposal_v002" / record.file_name(frame)).touch()
    record = msgspec.structs.replace(record, **changes)
    ResultFolder(folder / "proposal_v002").keep(record, "finished")
    return record.text


def test_a_proposal_is_ordered_as_one() -> None:
    assert (order().task, order().proposal) == ("remove", None)
    made = order(task="propose", name="proposal", proposal="{", proposal_grow="nonsense")
    assert (made.task, made.name, made.proposal) == ("propose", "proposal", None)


def test_a_removal_takes_what_was_proposed(tmp_path: Path) -> None:
    record = proposed(tmp_path)
    made = order(proposal=record, proposal_grow="-3", folder=str(tmp_path)).proposal
    assert made.record == read_record(record)
    assert made.growth_px == -3
    assert made.pattern == str(tmp_path / "proposal_v002" / "proposal_v002.%04d.exr")
    part = order(proposal=record, folder=str(tmp_path), first="1003", last="1003").proposal
    assert part.growth_px == 0


@pytest.mark.parametrize(
    ("asked", "changes", "said"),
    [
        ({"first": "1000"}, {}, "of the frames 1001 to 1010"),
        ({"last": "1011"}, {}, "of the frames 1001 to 1010"),
        ({"x2": "1911"}, {}, "a picture of 1920 x 1080 pixels"),
        ({}, {"frames": range(1001, 1010)}, "proposal_v002 is not there whole yet"),
        ({}, {"frames": range(0)}, "proposal_v002 is not there whole yet"),
        ({"proposal_grow": "300"}, {}, "proposal_grow"),
        ({"proposal": "[]"}, {}, "cannot be read"),
    ],
)
def test_a_proposal_that_does_not_fit_is_told(
    tmp_path: Path, asked: dict[str, str], changes: dict[str, Any], said: str
) -> None:
    fields = {"proposal": proposed(tmp_path, **changes), "folder": str(tmp_path)} | asked
    with pytest.raises(BridgeError, match=said):
        order(**fields)
