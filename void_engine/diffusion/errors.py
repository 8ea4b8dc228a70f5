"""The errors of the model and its device. Each message ends with the remedy."""

from __future__ import annotations

from void_engine.errors import EngineError, SettingError


class ModelFolderError(EngineError):
    """The model folder is missing, is incomplete or holds something else."""


class DeviceError(SettingError):
    """The device does not exist or is too small for this shot."""


class PrecisionError(EngineError):
    """Activations left the range of the floating-point type even in the last precision tried."""


class PeerError(EngineError):
    """Another of the processes that work on a shot together failed; its own error says why."""
