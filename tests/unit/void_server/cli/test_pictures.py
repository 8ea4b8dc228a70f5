from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.integration.command_case import edit, new_job
from void_engine.contact_sheet import SheetView
from void_protocol.job_file import read_job
from void_server.cli.pictures import JobPictures


def test_the_truth_of_a_proxy_job_is_shown_whole(tmp_path: Path) -> None:
    """The truth is there at full size only; beside half-size pictures it must not be cut to a corner."""
    path = new_job(tmp_path)
    edit(path, "settings", "proxy_scale", value=0.5)
    job = read_job(path)
    with JobPictures(job) as pictures:
        column = pictures.other(job.shot.plate)
        shown = column.show(1001, SheetView())
        np.testing.assert_array_equal(shown, SheetView().show(pictures.plate(1001)))
