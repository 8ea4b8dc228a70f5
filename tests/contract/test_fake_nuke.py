"""Runs the contract on the fake Nuke: with a GUI's event loop, and in a terminal without one."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.nuke_session import fresh_nuke

fresh_nuke()
contract = importlib.import_module("tests.contract.host_contract")


@pytest.mark.parametrize("gui", [True, False], ids=["gui", "terminal"])
@pytest.mark.parametrize("name", sorted(contract.CHECKS))
def test_contract(name: str, gui: bool, tmp_path: Path) -> None:
    fresh_nuke(gui=gui)
    contract.CHECKS[name](tmp_path)


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
    assert f"{count} of {count} hold" in done.stdout


@pytest.mark.parametrize(
    "call",
    [
        lambda nuke: nuke.crateNode("Read"),
        lambda nuke: nuke.nodes.Raed(),
        lambda nuke: nuke.nodes.Read()["fiel"],
        lambda nuke: nuke.nodes.Write()["datatype"].setValue("16 bit haff"),
        lambda nuke: nuke.nodes.Read()["first"].setValue("1001"),
        lambda nuke: nuke.executeInMainThreadWithResult(print),
        lambda nuke: nuke.rotopaint.Shape().getAttributes().getValue(1, "bm", 1),
        lambda nuke: nuke.rotopaint.Shape().getAttributes().getValue(1, "opacity", "main"),
    ],
)
def test_the_fake_refuses_what_nuke_refuses(call: object) -> None:
    nuke = fresh_nuke()
    with pytest.raises((AttributeError, NameError, TypeError, ValueError, AssertionError)):
        call(nuke)  # type: ignore[operator]
