"""The errors of the host's side; each message is written for the artist to read."""

from __future__ import annotations


class HostError(Exception):
    """Any failure that this package explains. The message says what was wrong, with its node or frame, and
    what to do."""


class SelectionError(HostError):
    """The picked nodes, shapes or frames cannot be used."""


class ExportError(HostError):
    """The plate, a matte or a shape could not be exported from the script."""


class HostBusyError(ExportError):
    """The host renders something for the artist, so that nothing else can be rendered just now."""


class ExportCancelled(HostError):  # noqa: N818 - the artist's decision, not a failure
    """The artist cancelled the export. Nothing was submitted."""


class FarmOrderError(HostError):
    """The render farm did not take a job."""


class MainThreadError(HostError):
    """The main thread did not answer, or the host is shutting down."""
