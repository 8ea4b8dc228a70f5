"""The errors of setting up."""

from __future__ import annotations


class SetupError(Exception):
    """A step could not be done.

    ``what`` names the step or package, ``why`` is the cause in plain words, and ``remedy`` is what to try.
    """

    def __init__(self, what: str, why: str, remedy: str) -> None:
        super().__init__(f"{what}: {why}. Try: {remedy}")
        self.what = what
        self.why = why
        self.remedy = remedy


class VenvError(SetupError):
    """The virtual environment cannot be made, used or replaced."""


class PackageError(SetupError):
    """pip could not install a package."""


class SystemLibraryError(SetupError):
    """A library of the operating system is missing and cannot be installed from here."""
