"""The one model of a running Nuke: panels come and go with their panes, the gizmos need none at all."""

from __future__ import annotations

from functools import lru_cache

from .model import PanelModel
from .server import ServerModel


@lru_cache(maxsize=1)
def the_model() -> PanelModel:
    """Made when it is first asked for; on the main thread."""
    from ..nuke_host import NukeHost  # here, because only Nuke has what it imports

    server = ServerModel()
    model = PanelModel(NukeHost(), server)
    server.begin()
    return model
