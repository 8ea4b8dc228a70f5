"""The loopback interface, and whether a question over HTTP is meant for this machine.

A page in somebody's browser could ask too, by a name of its own that leads here. So only questions to this
machine by its own name are answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

ADDRESS = "127.0.0.1"
NAMES = (ADDRESS, "localhost")


def is_own_name(hosts: Sequence[str]) -> bool:
    """Whether ``hosts``, the values of the header ``Host``, are one and name this machine."""
    try:
        return len(hosts) == 1 and urlsplit(f"//{hosts[0]}").hostname in (*NAMES, "::1")
    except ValueError:
        return False
