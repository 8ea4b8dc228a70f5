"""Compiles the plug-in that breaks one rule at a time."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def compiler() -> str:
    """Return a C compiler of this machine, or nothing."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), "")


def build(folder: Path) -> Path:
    """Compile it into a folder and return the binary."""
    made = folder / "Disobedient.ofx"
    source = Path(__file__).with_name("disobedient.c")
    options = ["-std=gnu99", "-O1", "-w", "-fPIC", "-shared", "-pthread"]
    subprocess.run([compiler(), *options, str(source), "-o", str(made)], check=True, timeout=60)
    return made
