"""Runs code in a process of its own with hard limits, and measures what it took.

The limits are what such a test is about: an attack that is not refused early reaches them and fails the test.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]

_FRAME = """
import json, sys, time
try:
    import resource
    limit = {limit_bytes}
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
except ImportError:  # Windows: time is bounded, memory is not
    resource = None
{prepare}
def peak():
    # Not ru_maxrss: a child begins with its parent's.
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except OSError:
        return 0
before, began = peak(), time.perf_counter()
{attack}
print(json.dumps([time.perf_counter() - began, max(0, peak() - before), str(outcome)]))
"""


@dataclass(frozen=True)
class Measured:
    """What a run took, and its outcome."""

    seconds: float
    grown_bytes: int
    """How many bytes the attack added to the process's peak memory; 0 where the system cannot tell."""
    outcome: str


def measure(prepare: str, attack: str, *, limit_bytes: int = 4 << 30, timeout_s: float = 60.0) -> Measured:
    """Run ``prepare``, then ``attack``, which sets ``outcome``. The test fails when the process dies or is
    slow."""
    code = _FRAME.format(limit_bytes=limit_bytes, prepare=prepare, attack=attack)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        cwd=CHECKOUT,
        check=False,
    )
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr[-2000:]}"
    seconds, grown, outcome = json.loads(done.stdout.splitlines()[-1])
    return Measured(seconds, grown, outcome)
