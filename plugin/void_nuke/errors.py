"""What can go wrong on the host's side, drawn once. Every message is meant for the artist."""

from __future__ import annotations


class HostError(Exception):
    """Any failure that this package explains: what was wrong, with the node or frame, and what to do."""


class SelectionError(HostError):
    """The picked nodes, shapes or frames cannot be used."""


class ExportError(HostError):
    """The plate, a matte or a shape could not be brought out of the script."""


class ExportCancelled(HostError):  # noqa: N818 - the artist's wish, not a failure
    """The artist cancelled the export. Nothing was submitted."""


class FarmOrderError(HostError):
    """The render farm did not take a job."""


class MainThreadError(HostError):
    """The main thread did not answer, or the host shuts down."""
