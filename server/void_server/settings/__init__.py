"""The settings of the server, each declared once, with their checks, file, words and documentation."""

from void_server.settings.limits import ResourceLimits
from void_server.settings.server_settings import (
    CACHE_VARIABLE,
    DEFAULT_ENDPOINT,
    DEFAULT_RUNNER,
    MODELS_VARIABLE,
    ServerSettings,
)

__all__ = [
    "CACHE_VARIABLE",
    "DEFAULT_ENDPOINT",
    "DEFAULT_RUNNER",
    "MODELS_VARIABLE",
    "ResourceLimits",
    "ServerSettings",
]
