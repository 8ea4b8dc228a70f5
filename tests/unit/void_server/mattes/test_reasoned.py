"""Proposals by reasoning, and joined with evidence, on files: the language model's words are scripted, and
the mattes of what it tells are true."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("jsonschema")

from tests.integration.command_case import void  # noqa: E402
from tests.unit.void_engine.effects.shots import crossing  # noqa: E402
from tests.unit.void_engine.segmentation.reasoning.answers import (  # noqa: E402
    ScriptedModel,
    affected,
    answer,
)
from tests.unit.void_server.mattes.test_proposing import _job  # noqa: E402
from void_engine.plates.exr.file import read_frame  # noqa: E402
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor  # noqa: E402
from void_engine.segmentation.reasoning import shot as reasoning  # noqa: E402
from void_engine.segmentation.tracker import PackedLogits  # noqa: E402
from void_protocol.job_file import read_job  # noqa: E402
from void_server.mattes import proposing  # noqa: E402

FRAMES = 14
EVERYWHERE = [[row, column] for row in range(8) for column in range(13)]


def _true(pictures: Any, subjects: Any, monitor: Any) -> list[list[PackedLogits | None]]:
    """Follows whatever is asked for as the truth of the drawn shot: each first subject is its shadow."""
    truth = crossing(shadow=0.5).truth.astype(bool)
    found: list[list[PackedLogits | None]] = []
    for index, subject in enumerate(subjects):
        masks = truth if index == len(subjects) - 1 else np.roll(truth, -30, axis=1)
        assert subject.words or subject.bounds
        found.append([PackedLogits.of(np.where(mask, 12.0, -12.0).astype(np.float32)) for mask in masks])
    return found


def _scripted(monkeypatch: pytest.MonkeyPatch, model: ScriptedModel) -> None:
    own = reasoning.reasoned_shot
    monkeypatch.setattr(proposing, "model_folder", lambda role: None)
    monkeypatch.setattr(reasoning, "reasoned_shot", partial(own, model=model, follow=_true))


def _shadow(**changes: Any) -> dict[str, Any]:
    return affected(cells=[{"frame": 11, "cells": EVERYWHERE}], **changes)


def test_what_is_told_becomes_things_with_mattes_and_roles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _job(tmp_path)
    model = ScriptedModel(
        "I see a ball. [CLICK HERE]", answer(_shadow(since=14), belongings=[{"name": "hat", "why": "worn"}])
    )
    _scripted(monkeypatch, model)
    words = ("--by", "reason", "--object", "the disc", "--json", "--job", tmp_path / "accepted.json")
    ran = void("propose", job, "-o", tmp_path / "a.%04d.exr", *words)
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report["sources"] == ["reason"]
    hat, shadow = report["things"]
    assert (hat["kind"], hat["role"], hat["words"]) == ("belonging", "remove", "hat")
    assert (shadow["kind"], shadow["role"], shadow["since"]) == ("shadow", "affected", 14)
    assert shadow["seen_by"] == ["reason"]
    assert shadow["frames"] == "14-24"
    accepted = read_job(tmp_path / "accepted.json").mattes
    assert [(one.role, one.channel) for one in accepted[1:]] == [("affected", "A"), ("remove", "thing1.A")]
    assert "The artist calls it: the disc." in model.asked[0][0].text
    assert len(model.shown.pictures) == 9
    assert model.shown.movie is not None
    assert len(model.shown.movie.pictures) == min(32, len(model.shown.movie.frames))
    assert "The movie is the shot" in model.asked[0][0].text
    assert model.shown.pictures[0].shape == (96, 160, 3)
    frame = read_frame(tmp_path / "a.0018.exr", 18)
    names = ("A", "shadow.A", "thing1.A", "thing2.A")
    planes = frame.read_channels(names, frame.display_window)
    truth, remove = crossing(shadow=0.5).truth[7].astype(bool), crossing(shadow=0.5).remove[7] > 0
    seen = truth & ~remove
    # The matte is true, but for its soft edge; a belonging is removed, and so is no part of what is affected.
    both = (planes[..., 0] > 0.5) & seen
    assert both.sum() / ((planes[..., 0] > 0.5) | seen).sum() > 0.9
    np.testing.assert_array_equal(planes[..., 0], planes[..., 1])
    np.testing.assert_array_equal(planes[..., 0], planes[..., 3])
    assert planes[..., 2].max() == 1
    assert not planes[remove].any()
    early = read_frame(tmp_path / "a.0012.exr", 12)
    assert early.read_channels(("A",), early.display_window).max() == 0


@pytest.mark.slow
def test_what_both_see_is_surer_and_shown_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = _job(tmp_path)
    _scripted(monkeypatch, ScriptedModel(answer(_shadow())))
    ran = void("propose", job, "-o", tmp_path / "a.%04d.exr", "--by", "both", "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report["sources"] == ["evidence", "reason"]
    assert report["things"][0]["seen_by"] == ["reason", "evidence"]
    frame = read_frame(tmp_path / "a.0018.exr", 18)
    planes = frame.read_channels(("A", "confidence.A", "thing1.A"), frame.display_window)
    # The model is .8 sure; where evidence agrees, the two are surer together.
    assert planes[..., 1][planes[..., 2] > 0.5].mean() > 0.85


def test_the_same_seed_gives_the_same_mattes(monkeypatch: pytest.MonkeyPatch) -> None:
    shot = crossing(shadow=0.5)
    source = ArrayShot(shot.plate.astype(np.float32), shot.remove.astype(np.float32))
    made = []
    for _ in range(2):
        said = affected(since=3, cells=[{"frame": 3, "cells": EVERYWHERE}])
        model = ScriptedModel("?", "?", answer(said))
        found = reasoning.reasoned_shot(source, SilentMonitor(), seed=9, model=model, follow=_true)
        assert model.seeds == [None, None, 10]
        made.append([matte.tobytes() for index in range(FRAMES) for matte in found.mattes(index)])
    assert made[0] == made[1]


def test_without_segmentation_the_cells_are_the_matte() -> None:
    """A machine with a language model alone proposes cells near the object, and where things would be."""
    shot = crossing(shadow=0.5)
    source = ArrayShot(shot.plate.astype(np.float32), shot.remove.astype(np.float32))
    far = [[7, 0], [7, 12]]
    model = ScriptedModel(
        answer(
            affected(since=0, cells=[{"frame": 0, "cells": far}]),
            affected(name="cup", kind="moved", since=5, cells=[], original=[2, 6], size=[1, 1]),
        )
    )
    found = reasoning.reasoned_shot(source, SilentMonitor(), model=model, follow=lambda *_: [])
    first, last = found.mattes(0), found.mattes(FRAMES - 1)
    # The disc is at the left first and at the right last, and so large that the cell near it is within reach.
    assert first[0][94, 2] == 1
    assert first[0][94, 155] == 0
    assert last[0][94, 155] == 1
    assert last[0][94, 2] == 0
    assert found.mattes(4)[1].max() == 0
    assert found.mattes(5)[1][30, 80] == 1
    assert found.things[1].words == "cup: stays where it was"


def test_nobody_is_asked_about_an_object_that_is_nowhere() -> None:
    shot = crossing(shadow=0.5)
    source = ArrayShot(shot.plate.astype(np.float32), np.zeros(shot.remove.shape, np.float32))
    model = ScriptedModel()
    found = reasoning.reasoned_shot(source, SilentMonitor(), model=model, follow=_true)
    assert not model.asked
    assert found.things == ()
    assert found.mattes(0) == []


def test_without_a_language_model_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOID_MODELS", str(tmp_path))
    monkeypatch.delenv("VOID_REASONER", raising=False)
    ran = void("propose", _job(tmp_path), "-o", tmp_path / "a.%04d.exr", "--by", "both")
    assert ran.code != 0
    assert "void models fetch DIR --for reasoner" in ran.err
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize("said", ["{}", "```\nrm -rf /\n```"])
def test_an_answer_without_form_fails_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    job = _job(tmp_path)
    _scripted(monkeypatch, ScriptedModel(said, said, said))
    ran = void("propose", job, "-o", tmp_path / "a.%04d.exr", "--by", "reason")
    assert ran.code != 0
    assert "no answer of the right form" in ran.err
    assert not list(tmp_path.glob("a.*"))
