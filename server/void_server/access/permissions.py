"""Says what only operators of the server may do."""

from __future__ import annotations

from void_server.errors import RequestRefused
from void_server.settings import ServerSettings


def check_operator(settings: ServerSettings, owner: str, what: str) -> None:
    """Refuse something that only operators may do. ``what`` completes "may not", such as ``clean up``.

    Raises:
        RequestRefused: with code ``operators_only``.
    """
    if owner not in settings.operators:
        raise RequestRefused("operators_only", f"{owner} may not {what}; operators may: {_names(settings)}")


def check_priority(settings: ServerSettings, owner: str, priority: int) -> None:
    """Refuse a priority that this owner may not give.

    Raises:
        RequestRefused: with code ``operators_only``.
    """
    if priority > 0 and owner not in settings.operators:
        raise RequestRefused(
            "operators_only",
            f"priority {priority}: only operators of the server go above 0 ({_names(settings)}); ask one",
        )


def _names(settings: ServerSettings) -> str:
    return ", ".join(settings.operators) or "it has none: see the server's setting 'operators'"
