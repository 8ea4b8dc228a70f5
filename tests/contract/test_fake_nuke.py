"""Runs the contract on the fake Nuke: with a GUI's event loop, and in a terminal without one."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.fakes.fake_nuke.state import STATE
from tests.fakes.nuke_session import fresh_nuke

fresh_nuke()
contract = importlib.import_module("tests.contract.host_contract")


@pytest.mark.parametrize("gui", [True, False], ids=["gui", "terminal"])
@pytest.mark.parametrize("name", sorted(contract.CHECKS))
def test_contract(name: str, gui: bool, tmp_path: Path) -> None:
    fresh_nuke(gui=gui)
    contract.CHECKS[name](tmp_path)
    # The command adds these numbers up where an edition shows scripts ten nodes only.
    assert STATE.node_count == contract.NODES[name] <= 10


def test_the_command_for_a_real_nuke_runs(tmp_path: Path) -> None:
    """The command runs in a process of its own, with the fake in the place of Nuke."""
    checkout = Path(__file__).parents[2]
    start = (
        "import sys, runpy\n"
        f"sys.path[:0] = [{str(checkout)!r}, {str(checkout / 'plugin')!r}]\n"
        "from tests.fakes.nuke_session import fresh_nuke\n"
        "fresh_nuke(gui=False)\n"
        f"runpy.run_path({str(checkout / 'tests/contract/run_in_nuke.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    count = len(contract.CHECKS)
    assert f"{count} of {count} hold, 0 left out" in done.stdout


def test_an_edition_with_ten_nodes_runs_as_many_checks_as_it_can(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh_nuke(gui=False)
    runner = importlib.import_module("tests.contract.run_in_nuke")
    monkeypatch.setattr(runner, "edition", lambda: "Non-commercial")
    assert runner.main() == 0
    said = capsys.readouterr().out
    assert "this edition shows scripts ten nodes only; run it as --only" in said
    monkeypatch.setattr(runner, "ONLY", ["a_matte_has_what_lies_outside_the_format"])
    assert runner.main() == 0
    assert "1 of 1 hold" in capsys.readouterr().out


def exr_write(nuke: ModuleType) -> Any:
    """Return a Write node that shows the knobs of EXR."""
    node = nuke.nodes.Write()
    node["file_type"].setValue("exr")
    return node


def test_an_exr_has_the_data_types_that_nuke_offers() -> None:
    node = exr_write(fresh_nuke())
    node["datatype"].setValue("16 bit half")
    assert node["datatype"].value() == "16 bit half"


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda nuke: nuke.crateNode("Read"), AttributeError, "has no attribute 'crateNode'"),
        (lambda nuke: nuke.nodes.Raed(), AttributeError, "has no Raed"),
        (lambda nuke: nuke.nodes.KeyMix(), AttributeError, "has no KeyMix"),
        (lambda nuke: nuke.nodes.Read()["fiel"], NameError, "knob fiel does not exist"),
        (lambda nuke: nuke.nodes.Write()["datatype"], NameError, "knob datatype does not exist"),
        (lambda nuke: exr_write(nuke)["datatype"].setValue("16 bit haff"), TypeError, "16 bit haff"),
        (lambda nuke: nuke.nodes.Read()["first"].setValue("1001"), TypeError, "does not take '1001'"),
        (
            lambda nuke: nuke.nodes.Keymix()["maskChannel"].setValue("matte.alpha"),
            TypeError,
            "there is no channel 'matte.alpha'",
        ),
        (lambda nuke: nuke.executeInMainThreadWithResult(print), AssertionError, "Nuke would hang here"),
        (lambda nuke: nuke.executeInMainThread(print), AssertionError, "on the main thread"),
        (
            lambda nuke: nuke.rotopaint.Shape().getAttributes().getValue(1, "bm", 1),
            TypeError,
            "a view is a name",
        ),
        (
            lambda nuke: nuke.rotopaint.Shape().getAttributes().getValue(1, "opacity", "main"),
            ValueError,
            "no attribute 'opacity'",
        ),
        (lambda nuke: appended(nuke).getFlag(5), RuntimeError, "went stale"),
        (lambda nuke: deleted(nuke).name(), ValueError, "not attached to a node"),
        (lambda nuke: nuke.createNode("VoidRemove"), RuntimeError, "Unknown command"),
    ],
)
def test_the_fake_refuses_what_nuke_refuses(
    call: Callable[[ModuleType], object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        call(fresh_nuke())
    assert caught.type is error


def appended(nuke: ModuleType) -> Any:
    """Return the handle of a shape that a layer has taken."""
    shape = nuke.rotopaint.Shape()
    nuke.nodes.Roto()["curves"].rootLayer.append(shape)
    return shape


def deleted(nuke: ModuleType) -> Any:
    node = nuke.nodes.NoOp()
    nuke.delete(node)
    return node
