"""The settings of the server. Each is declared once, which gives its check, file format, words and
documentation."""

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
