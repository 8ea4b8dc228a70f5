"""Divides the notes in a script into sections, so that the panel's settings fit in beside the removals."""

from __future__ import annotations

import json
import logging
from typing import Any, cast

from void_nuke.host.host import Host

_log = logging.getLogger(__name__)
_SECTIONS = "parts"
"""The key of the sections in what a script keeps."""
_FIRST = "removals"
"""The section that notes without sections belong to, in scripts that were never opened with the panel."""


class NotesSection:
    """A host whose notes are one section of the script's. In everything else it is the host itself."""

    def __init__(self, host: Host, section: str) -> None:
        self._host = host
        self.section = section

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def notes(self) -> str:
        return _read(self._host).get(self.section, "")

    def keep_notes(self, text: str) -> None:
        sections = _read(self._host)
        if sections.get(self.section) != text:
            self._host.keep_notes(json.dumps({_SECTIONS: {**sections, self.section: text}}))


def for_removals(host: Host) -> Host:
    """Return the host with the removals' section. A session does this itself, so it gets the plain host."""
    is_so_already = isinstance(host, NotesSection) and host.section == _FIRST
    return host if is_so_already else cast("Host", NotesSection(host, _FIRST))


def for_panel(host: Host) -> Host:
    """Return the host with the panel's section."""
    return cast("Host", NotesSection(host, "panel"))


def _read(host: Host) -> dict[str, str]:
    text = host.notes()
    if not text:
        return {}
    try:
        kept = json.loads(text)
    except ValueError as error:
        _log.warning("the script's VOID notes cannot be read (%s) and are begun anew", error)
        return {}
    sections = kept.get(_SECTIONS) if isinstance(kept, dict) else None
    if not isinstance(sections, dict):
        return {_FIRST: text}
    return {str(name): section for name, section in sections.items() if isinstance(section, str)}
