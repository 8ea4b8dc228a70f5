"""Fixtures of the panel's tests."""

from tests.fakes.qt_session import qt

__all__ = ["qt"]
