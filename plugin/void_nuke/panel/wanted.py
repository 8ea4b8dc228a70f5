"""Makes the picks that a press of Remove begins: one, or one for each eye of a stereo comp."""

from __future__ import annotations

from dataclasses import replace

from void_nuke.export.pick import RemovalPick
from void_nuke.panel.settings import ALL_VIEWS
from void_protocol.view_pattern import result_for_view

_VERSION = "{version}"


def for_views(pick: RemovalPick, views: tuple[str, ...], wanted: str, group: str) -> list[RemovalPick]:
    """Return the picks of the wanted views.

    Args:
        pick: the pick for one view.
        views: the script's views.
        wanted: a view's name, or :data:`void_nuke.panel.settings.ALL_VIEWS`.
        group: ties the picks together where there are several.
    """
    if wanted != ALL_VIEWS or len(views) < 2:
        return [pick]
    return [
        replace(
            pick,
            view=view,
            group=group,
            output_pattern=result_for_view(pick.output_pattern, view),
        )
        for view in views
    ]


def version_hint(pattern: str) -> str:
    """Say what keeps Nuke's own *version up* from finding the version in a pattern; empty when nothing does.
    It looks for v and digits after ``_``, ``.`` or ``/``."""
    parts = pattern.replace("\\", "/").split(_VERSION)
    if len(parts) > 1 and not all(before.endswith(("_", ".", "/")) for before in parts[:-1]):
        return "Nuke's version up will not find the version in this name; write _{version}"
    return ""
