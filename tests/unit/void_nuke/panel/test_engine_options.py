"""Options of engines, as the engine declares them and the artist sets them."""

from __future__ import annotations

import pytest

from tests.fakes.told_engines import TOLD, VOID
from void_nuke.panel.engine_options import (
    option_rows,
    own_options,
    unknown_options,
    unknown_options_problem,
    value_of_text,
    with_option,
    with_options,
    without_unknown,
)
from void_nuke.panel.engines import KnownEngines
from void_nuke.panel.settings import PanelSettings, quality_of
from void_protocol.engines import OptionDescription

ENGINES = KnownEngines(TOLD)


def test_an_option_is_the_artists_the_qualitys_or_the_default() -> None:
    own = with_option((), "void", "passes", 2)
    rows = {row.told.name: (row.value, row.is_own) for row in option_rows(ENGINES, "void", "preview", own)}
    assert rows == {"speed": ("draft", False), "passes": (2, True)}
    assert option_rows(ENGINES, "auto", "preview", own) == []
    assert option_rows(ENGINES, "propagation", "final", own) == []
    assert option_rows(KnownEngines(), "void", "final", own) == []


def test_own_options_go_into_the_job_and_come_back_from_it() -> None:
    own = with_option(with_option((), "void", "passes", 2), "propagation", "grain", False)
    settings = PanelSettings(
        engine="void", quality="preview", proxy_scale=0.25, engine_options=own, region_mode="full"
    )
    job = settings.job_settings(ENGINES)
    assert job.engine_options == {"speed": "draft", "passes": 2}
    assert job.region.mode == "full"
    assert quality_of(job, ENGINES) == ("preview", {"passes": 2})
    assert own_options(with_options(own, "void", {}), "void") == {}
    assert own_options(with_option(own, "void", "passes", None), "void") == {}
    assert own_options(own, "propagation") == {"grain": False}


def test_what_is_kept_wrongly_is_left_out_and_what_is_gone_is_named() -> None:
    own = (("void.passes", "{"), ("void.", "1"), ("void.list", "[1]"), ("void.gone", "1"))
    assert own_options(own, "void") == {"gone": 1}
    assert unknown_options(ENGINES, "void", own) == ["gone"]
    assert unknown_options(KnownEngines(), "void", own) == []
    told = unknown_options_problem(ENGINES, "void", own)
    assert told == (
        "this script keeps 'gone', which the server's VOID model does not have "
        "(choose one of speed, passes); press Forget below the engine's options"
    )
    assert "'gone', 'pases', which" in unknown_options_problem(ENGINES, "void", (*own, ("void.pases", "2")))
    assert without_unknown(ENGINES, "void", own) == own[:-1]
    for engines, engine in ((KnownEngines(), "void"), (ENGINES, "auto"), (ENGINES, "propagation")):
        assert unknown_options_problem(engines, engine, own) == ""
        assert without_unknown(engines, engine, own) == own


def test_what_is_typed_is_read_by_its_kind() -> None:
    passes = VOID.options[1]
    assert value_of_text(passes, " 2 ") == 2
    with pytest.raises(ValueError, match="passes takes a whole number from 1 up to 2, not 'x'"):
        value_of_text(passes, "x")
    with pytest.raises(ValueError, match="passes takes from 1 up to 2, not 3"):
        value_of_text(passes, "3")
    steps = OptionDescription(name="steps", kind="float", default="auto")
    assert (value_of_text(steps, "auto"), value_of_text(steps, "0.5")) == ("auto", 0.5)
    assert value_of_text(OptionDescription(name="note", kind="text", default=""), "a b") == "a b"
