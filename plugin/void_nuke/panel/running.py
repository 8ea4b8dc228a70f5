"""The single panel model of a running Nuke. Panels come and go with their panes; the gizmos need no panel at
all."""

from __future__ import annotations

from functools import lru_cache

from void_nuke.jobs.notes_section import for_removals
from void_nuke.jobs.script_notes import decode_notes
from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel.model import PanelModel
from void_nuke.panel.server import ServerModel
from void_nuke.qt import QtCore


@lru_cache(maxsize=1)
def the_model() -> PanelModel:
    """Return the model, which is made on the first call; for the main thread."""
    from void_nuke.host.nuke_host import NukeHost  # imported here because only Nuke has what it imports

    host = NukeHost()
    model = PanelModel(host, ServerModel())

    def quit_nuke() -> None:
        host.close()  # comes first, so that no thread waits for the main thread any more
        model.close()
        the_model.cache_clear()

    application = QtCore.QCoreApplication.instance()
    if application is not None:
        application.aboutToQuit.connect(quit_nuke)
    model.server.begin()
    return model


def follow_script() -> None:
    """Follow the jobs of a script that was just opened, also while no panel is open. For a script without
    such jobs this costs one look into a knob."""
    from void_nuke.host.nuke_host import NukeHost

    records = decode_notes(for_removals(NukeHost()).notes())
    if any(not Phase(record.phase).is_final for record in records):
        the_model()
