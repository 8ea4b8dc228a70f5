"""Runs the contract in a real Nuke: ``nuke -t tests/contract/run_in_nuke.py [--only NAME]``. The exit status
is 0 when it holds.

pyzmq and msgspec must be importable there, as after ``python3 installer nuke``.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "plugin"), str(CHECKOUT)]

import nuke  # noqa: E402

from tests.contract.host_contract import CHECKS, NODES  # noqa: E402
from void_nuke.host.nuke_script import edition  # noqa: E402

ONLY = [name for before, name in zip(sys.argv, sys.argv[1:]) if before == "--only"]  # noqa: B905 - Python 3.9's zip
"""Names of the only checks to run."""


def main() -> int:
    """Run all checks and return the number of those that do not hold."""
    failed = left_out = 0
    made = 0
    for name, check in CHECKS.items():
        if ONLY and name not in ONLY:
            left_out += 1
            continue
        # Indie and Non-commercial show a session ten nodes, deleted ones included.
        if edition() and made + NODES[name] > 10:
            left_out += 1
            print(f"left   {name}: this edition shows scripts ten nodes only; run it as --only {name}")
            continue
        made += NODES[name]
        nuke.scriptClear()
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(Path(folder))
            except Exception:  # noqa: BLE001 - one check's failure must not stop the others
                failed += 1
                print(f"FAILED {name}\n{traceback.format_exc()}")
            else:
                print(f"ok     {name}")
    checked = len(CHECKS) - left_out
    print(f"Nuke {nuke.NUKE_VERSION_STRING}: {checked - failed} of {checked} hold, {left_out} left out")
    return failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
