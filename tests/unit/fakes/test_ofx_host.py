"""Every check of the OpenFX host fires once, for a plug-in that breaks one rule at a time."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.ofx_host import disobedient, names, profiles
from tests.fakes.ofx_host.host import Host, why_not_here
from tests.fakes.ofx_host.images import Source
from tests.fakes.ofx_host.instance import Instance
from tests.fakes.ofx_host.profiles import Profile
from tests.fakes.ofx_host.rendering import RenderError

pytestmark = [
    pytest.mark.skipif(bool(why_not_here()), reason=why_not_here() or "it runs here"),
    pytest.mark.skipif(not disobedient.compiler(), reason="no C compiler builds the disobedient plug-in"),
]

BOX = (-3, 2, 17, 14)


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return disobedient.build(tmp_path_factory.mktemp("disobedient"))


@pytest.fixture
def _obedient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISOBEY", raising=False)


def picture(time: float) -> np.ndarray:
    return np.random.default_rng(int(time) + 100).random((12, 20, 4), np.float32)


def node(host: Host) -> Instance:
    context = host.profile.context if host.profile.context in host.contexts else names.FILTER
    return host.instance({"Source": Source(picture, BOX, (1, 9))}, box=BOX, frames=(1, 9), context=context)


def life(binary: Path, profile: Profile) -> Host:
    """Let a plug-in live through everything that it can be asked."""
    host = Host(profile, binary)
    try:
        host.ask_unknown()
        made = node(host)
        made.set("text", "upstream")
        made.press("go")
        made.press("go")
        window = (0, 4, 10, 9)
        with contextlib.suppress(RenderError):
            made.render(3, window=window)
        made.save()
    finally:
        ctypes.CDLL(str(binary)).disobedient_stop()
        host.close(wait=0.6)
    assert not host.broken, "\n".join(host.broken)
    return host


@pytest.mark.usefixtures("_obedient")
@pytest.mark.parametrize(
    "profile",
    [p for p in profiles.EVERY if names.BYTE not in p.depths or names.FLOAT in p.depths],
    ids=lambda p: p.label,
)
def test_a_plug_in_that_obeys_is_not_blamed_by_any_host(binary: Path, profile: Profile) -> None:
    full = dataclasses.replace(profile, suites=profiles.NATRON.suites, null_message_v2=False)
    host = life(binary, full)
    host.check()


@pytest.mark.usefixtures("_obedient")
def test_what_a_plug_in_copies_is_what_it_was_given_whatever_the_layout(binary: Path) -> None:
    host = Host(dataclasses.replace(profiles.LETTER, suites=profiles.NATRON.suites), binary)
    made = node(host)
    whole = made.render(3)
    np.testing.assert_array_equal(whole, picture(3).astype(np.float16))
    np.testing.assert_array_equal(made.render(3, window=(0, 4, 10, 9)), whole[2:7, 3:13])
    together = made.render_together([1, 2, 3, 4])
    np.testing.assert_array_equal(together[2], whole)
    made.press("go")
    assert made.value("number") == 7
    assert made.value("text") == "grüß"
    made.undo()
    assert made.value("number") == 0
    host.close()
    host.check()


@pytest.mark.usefixtures("_obedient")
def test_a_host_without_a_common_depth_refuses_the_plug_in(binary: Path) -> None:
    with pytest.raises(LookupError, match="OfxBitDepthByte"):
        Host(dataclasses.replace(profiles.NUKE, depths=(names.BYTE,)), binary)


BROKEN = {
    "fetch in setHost": "fetched a suite too early",
    "thread in load": "started a thread too early",
    "not utf-8": "not UTF-8",
    "temporal": "temporal access not declared",
    "unknown property": "unknown property",
    "property of another object": "property of another object",
    "wrong type": "wrong type",
    "bad index": "bad index",
    "read-only": "read-only property",
    "colour": "property of another object",
    "clip in describe": "call in the wrong action",
    "fail describe": "wrong answer",
    "no output": "no such clip",
    "no components": "no components",
    "mandatory matte": "mandatory clip",
    "no range": "no range",
    "bad default": "bad default",
    "group": "no such group",
    "twice": "parameter defined twice",
    "2d": "Integer2D",
    "type": "unknown parameter type",
    "enabled in create": "enabled or secret in create",
    "set in create": "call in the wrong action",
    "process in create": "started a process too early",
    "image in create": "call in the wrong action",
    "no such param": "no such parameter",
    "refuse create": "refused",
    "image in plugin change": "image in a change that is no person's",
    "image kept": "image not released",
    "output in change": "output outside of a render",
    "edit": "edit not ended",
    "bad value": "bad value",
    "bad handle": "bad handle",
    "button value": "value of none",
    "progress": "progress not ended",
    "no progress": "progress without a start",
    "format": "text as a format",
    "repeated message": "persistent message repeated",
    "message with arguments": "message with arguments",
    "memory": "memory not freed",
    "free": "freed what is not allocated",
    "mutex": "mutex unlocked by another",
    "foreign thread": "call from a foreign thread",
    "set in render": "call in the wrong action",
    "value without time": "value without a time",
    "not announced": "frame not announced",
    "other output": "output at another time",
    "outside image": "wrote outside the image",
    "outside window": "wrote outside the window",
    "into input": "wrote into an input",
    "released twice": "bad handle",
    "answer": "wrong answer",
    "odd ranges": "wrong count",
    "preference": "bad clip preference",
    "unknown action": "wrong answer",
    "too many": "plug-in beyond the last",
}


@pytest.mark.slow
@pytest.mark.parametrize("mode", BROKEN)
def test_a_broken_rule_is_blamed(binary: Path, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISOBEY", mode)
    profile = dataclasses.replace(
        profiles.NUKE, padding=64, ranges_demanded=True, integer_2d=False, context=names.FILTER, tiles=False
    )
    profile = dataclasses.replace(profile, forgets_arguments=mode == "message with arguments")
    if mode == "no output":
        profile = dataclasses.replace(profile, contexts=(names.FILTER,))
        host = Host(profile, binary)
        host.close()
        assert BROKEN[mode] in host.faults.rules()
        return
    rules = life(binary, profile).faults.rules()
    assert BROKEN[mode] in rules, rules


def test_text_that_a_plug_in_keeps_is_wiped(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISOBEY", "text kept")
    host = life(binary, profiles.NUKE)
    [(_kind, text)] = host.messages
    assert set(text) == {"\N{REPLACEMENT CHARACTER}"}
