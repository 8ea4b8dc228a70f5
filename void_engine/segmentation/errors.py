"""The errors of segmentation and reasoning."""

from __future__ import annotations

from void_engine.errors import EngineError


class SegmentationError(EngineError):
    """A matte cannot be made as it was asked for."""


class ModelMissingError(SegmentationError):
    """This machine lacks a model or a package; the message says how to get it."""


class AnswerError(SegmentationError):
    """A language model's answer cannot be used."""
