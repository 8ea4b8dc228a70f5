"""Says what somebody may have meant who wrote a name that is not known.

The same stands in ``void_engine/engines/name_hint.py``, and ``docs/decisions/two_durable_modules.md`` has the
reason.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def name_hint(wrong: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the advice for a name that is not known: at most two names like it, else ``otherwise``, else all
    that there are."""
    names = list(known)
    near = difflib.get_close_matches(wrong, names, 2)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    return otherwise or (f"choose one of {', '.join(names)}" if names else "there are none: leave it out")
