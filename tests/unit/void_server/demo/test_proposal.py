"""The demo's figures of the proposal."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.integration.command_case import void
from tests.unit.void_engine.effects.shots import crossing
from tests.unit.void_engine.removal_case import RecordingMonitor
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.job_file import read_job
from void_server.demo.proposal import judge_proposal


def test_a_found_shadow_and_one_that_cannot_be_known_have_their_figures(tmp_path: Path) -> None:
    found = {}
    for name, still in (("crosses", False), ("stays", True)):
        folder = tmp_path / name
        shots = crossing(shadow=0.5, still=still), crossing(shadow=0.0, still=still)
        for index, (plate, matte, truth) in enumerate(
            zip(shots[0].plate, shots[0].remove, shots[1].plate, strict=True), start=1
        ):
            pixels = np.concatenate([plate, matte[..., None]], axis=2).astype(np.float16)
            write_frame(
                Frame.from_pixels(index, ("R", "G", "B", "matte.A"), pixels), folder / f"p.{index:04d}.exr"
            )
            write_frame(
                Frame.from_pixels(index, ("R", "G", "B"), truth.astype(np.float16)),
                folder / f"t.{index:04d}.exr",
            )
        pattern, job = folder / "p.%04d.exr", folder / "job.json"
        words = ("--plate", pattern, "--remove", f"{pattern}:matte.A", "--output", folder / "r.%04d.exr")
        assert void("new", job, *words).code == 0
        found[name] = judge_proposal(read_job(job), str(folder / "t.%04d.exr"), RecordingMonitor())
    assert found["crosses"].recall > 0.6
    assert found["crosses"].precision > 0.6
    assert not found["crosses"].unknown
    assert found["stays"].iou < 0.1
    assert "never leaves" in found["stays"].sentence()
