"""Runs the contract in a real Nuke: ``nuke -t tests/contract/run_in_nuke.py``. The exit status is 0 when it
holds.

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

from tests.contract.host_contract import CHECKS  # noqa: E402


def main() -> int:
    """Run all checks and return the number of those that do not hold."""
    failed = 0
    for name, check in CHECKS.items():
        nuke.scriptClear()
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(Path(folder))
            except Exception:  # noqa: BLE001 - one check's failure must not stop the others
                failed += 1
                print(f"FAILED {name}\n{traceback.format_exc()}")
            else:
                print(f"ok     {name}")
    print(f"Nuke {nuke.NUKE_VERSION_STRING}: {len(CHECKS) - failed} of {len(CHECKS)} hold")
    return failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
