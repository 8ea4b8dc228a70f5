"""``void batch``: lists of shots, the table, the report, what is skipped, what a dispatcher sees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.command_case import HEIGHT, WIDTH, edit, void, write_shot
from tests.integration.farm_case import VOID, farm_job
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.job_file import read_job
from void_server import translate
from void_server.batch.manifest import read_csv_manifest
from void_server.batch.manifest_row import ManifestRow
from void_server.batch.sources import read_sources
from void_server.batch.timeline import TimelineOptions
from void_server.cli.exit_codes import ExitCode


def shots(folder: Path, *names: str, frames: int = 2) -> Path:
    """Job files in a folder of their own."""
    jobs = folder / "jobs"
    jobs.mkdir(exist_ok=True)
    for name in names:
        farm_job(folder, name=name, frames=frames).rename(jobs / f"{name}.json")
    return jobs


def report_of(path: Path) -> dict[str, dict[str, Any]]:
    return {shot["shot"]: shot for shot in json.loads(path.read_bytes())["shots"]}


def test_one_failure_is_not_the_others(tmp_path: Path) -> None:
    jobs = shots(tmp_path, "sh010", "sh020", "sh030")
    (tmp_path / "sh020" / "plate.1002.exr").unlink()
    ran = void("batch", jobs, "--report", tmp_path / "report.json")
    assert ran.code == ExitCode.SOME_FAILED
    found = report_of(tmp_path / "report.json")
    assert [shot["state"] for shot in found.values()] == ["done", "failed", "done"]
    assert "missing frame 1002" in found["sh020"]["reason"]
    assert found["sh020"]["exit_status"] == ExitCode.BAD_INPUT
    assert found["sh010"]["frames"] == 2
    assert "2 done, 1 failed; 4 frames made" in ran.out
    assert "1 of 3 shots failed" in ran.err
    for word in ("sh010", "sh020", "failed", "2/2"):
        assert word in ran.out


@pytest.mark.parametrize("options", [(), ("--jobs", "2")])
def test_a_name_that_the_console_cannot_print_stops_nothing(options: tuple[str, ...], tmp_path: Path) -> None:
    jobs = shots(tmp_path, "\u5f71010", "sh020")
    ran = subprocess.run(
        [VOID, "batch", jobs, "--report", tmp_path / "report.json", *options],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )
    assert ran.returncode == 0, ran.stderr
    assert b"\\u5f71010" in ran.stdout
    assert [shot["state"] for shot in report_of(tmp_path / "report.json").values()] == ["done", "done"]


def test_run_again_and_only_what_is_missing_runs(tmp_path: Path) -> None:
    jobs = shots(tmp_path, "sh010", "sh020", "sh030")
    missing = tmp_path / "sh020" / "plate.1002.exr"
    content = missing.read_bytes()
    missing.unlink()
    report = tmp_path / "report.json"
    void("batch", jobs, "--report", report)
    missing.write_bytes(content)
    lost = tmp_path / "sh030" / "out" / "r_v001.1001.exr"
    lost.unlink()

    ran = void("batch", jobs, "--report", report)

    assert ran.code == 0, ran.err
    found = report_of(report)
    assert [shot["state"] for shot in found.values()] == ["skipped", "done", "done"]
    assert found["sh030"]["frames_kept"] == 1
    assert "3 frames made" in ran.out
    assert lost.exists()


def test_damaged_pixels_are_found_when_asked_for(tmp_path: Path) -> None:
    jobs, report = shots(tmp_path, "sh010", frames=3), tmp_path / "report.json"
    assert void("batch", jobs, "--report", report).code == 0
    path = tmp_path / "sh010" / "out" / "r_v001.1002.exr"
    whole = path.read_bytes()
    damaged = bytearray(whole)
    middle = len(damaged) // 2
    damaged[middle : middle + 64] = bytes(64)
    path.write_bytes(damaged)
    for options, state, content in ((), "skipped", bytes(damaged)), (("--verify",), "done", whole):
        ran = void("batch", jobs, "--report", report, *options)
        assert ran.code == 0, ran.err
        assert report_of(report)["sh010"]["state"] == state
        assert report_of(report)["sh010"]["frames_kept"] == (2 if options else 3)
        assert path.read_bytes() == content


def test_the_report_tells_what_is_invented_of_made_and_of_kept_frames(tmp_path: Path) -> None:
    jobs, report = shots(tmp_path, "sh010", "sh020"), tmp_path / "report.json"
    made = void("batch", jobs, "--report", report, "--engine", "propagation")
    assert made.code == 0, made.err
    first = report_of(report)["sh010"]
    assert [one["frame"] for one in first["shares"]] == [1001, 1002]
    assert first["real"] + first["guessed"] + first["invented"] == pytest.approx(1.0, abs=1e-3)
    assert first["invented"] == pytest.approx(np.mean([one["invented"] for one in first["shares"]]), abs=1e-3)
    assert f"{round(100 * first['invented'])} %" in made.out
    kept = void("batch", jobs, "--report", report, "--engine", "propagation")
    assert kept.code == 0, kept.err
    assert report_of(report)["sh010"]["state"] == "skipped"
    assert report_of(report)["sh010"]["shares"] == first["shares"]


def test_an_engine_without_confidence_tells_no_shares(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert void("batch", shots(tmp_path, "sh010"), "--report", report).code == 0
    assert report_of(report)["sh010"]["real"] is None
    assert report_of(report)["sh010"]["shares"] == []


def draw_again(path: Path, *, at: int = 24) -> None:
    """Put another picture and matte under the name of a frame, and keep the file's time."""
    before = path.stat()
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.float16)
    pixels[at : at + 16, 40:56, 3] = 1
    write_frame(Frame.from_pixels(1001, ("R", "G", "B", "matte.A"), pixels), path, overwrite=True)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_plate_that_was_rendered_again_is_not_taken_for_done(tmp_path: Path) -> None:
    """By content, not by name or time, and without anything that an earlier batch left beside its report."""
    jobs = shots(tmp_path, "sh010", "sh020")
    report = tmp_path / "report.json"
    assert void("batch", jobs, "--report", report).code == 0
    first = report_of(report)["sh010"]["inputs"]
    plate = tmp_path / "sh010" / "plate.1001.exr"
    os.utime(plate)  # another time, the same content
    assert void("batch", jobs, "--report", report).code == 0
    assert {shot["state"] for shot in report_of(report).values()} == {"skipped"}

    draw_again(plate)
    report.unlink()
    ran = void("batch", jobs, "--report", report)
    assert ran.code == 0, ran.err
    found = report_of(report)
    assert (found["sh010"]["state"], found["sh010"]["frames_kept"]) == ("done", 0)
    assert found["sh010"]["inputs"] != first
    assert found["sh020"]["state"] == "skipped"
    assert "frames 1001-1002 were made from a plate, matte or anchor that has changed since" in ran.out
    assert read_frame(tmp_path / "sh010" / "out" / "r_v001.1001.exr", 1001).native("R").max() == 0


def test_edited_settings_need_the_next_version(tmp_path: Path) -> None:
    jobs = shots(tmp_path, "sh010")
    report = tmp_path / "report.json"
    assert void("batch", jobs, "--report", report).code == 0
    edit(jobs / "sh010.json", "settings", "seed", value=7)
    ran = void("batch", jobs, "--report", report)
    assert ran.code == ExitCode.SOME_FAILED
    reason = report_of(report)["sh010"]["reason"]
    assert "made otherwise" in reason
    assert "next output version" in reason
    assert void("batch", jobs, "--report", report, "--version", "2").code == 0


def manifest_row(folder: Path) -> dict[str, str]:
    """Columns that hold for every shot of ``folder``."""
    return {
        "plate": "{shot}/plate.%04d.exr",
        "remove": "{shot}/plate.%04d.exr:matte.A",
        "output": "{shot}/out/r_{version}.%04d.exr",
        "engine": "identity",
    }


def test_a_csv_manifest(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_shot(tmp_path / name, range(1001, 1005))
    row = manifest_row(tmp_path)
    listed = tmp_path / "shots.csv"
    listed.write_text(
        "shot;plate;frames;remove;output;engine;prompt\n"
        + f"a;{row['plate']};1001-1002;{row['remove']};{row['output']};identity;A lime, on a table.\n"
        + "\n"
        + f"b;{row['plate']};;{row['remove']};{row['output']};identity;\n"
    )
    first, second = read_sources([listed]).jobs
    assert (first.shot.first_frame, first.shot.last_frame) == (1001, 1002)
    assert first.settings.prompt == "A lime, on a table."
    assert (second.shot.first_frame, second.shot.last_frame) == (1001, 1004)
    assert second.mattes[0].pattern == str(tmp_path / "b" / "plate.%04d.exr")
    assert [job.job_id for job in read_sources([listed]).jobs] == [first.job_id, second.job_id]
    ran = void("batch", listed)
    assert ran.code == 0, ran.err
    assert len(list((tmp_path / "b" / "out").glob("*.exr"))) == 4
    assert report_of(tmp_path / "shots_csv_report.json")["a"]["state"] == "done"


def test_a_json_manifest_with_the_rest_on_the_command_line(tmp_path: Path) -> None:
    write_shot(tmp_path / "a", range(1001, 1004))
    row = manifest_row(tmp_path)
    listed = tmp_path / "shots.json"
    listed.write_text(json.dumps([{"shot": "a", "proxy": 0.5, "frames": "1002"}]))
    words = ("--plate", row["plate"], "--remove", row["remove"], "--output", row["output"])
    ran = void("batch", listed, *words, "--engine", "identity")
    assert ran.code == 0, ran.err
    (made,) = (tmp_path / "a" / "out").glob("*.exr")
    assert read_frame(made, 1002).display_size == (WIDTH // 2, HEIGHT // 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("shot,plate,output\na,p.%04d.exr,o.%04d.exr\n", "line 2: no matte"),
        ("shot,remove,output\na,m.exr,o.%04d.exr\n", "line 2: no plate"),
        ("shot,plate,remove,output,colour\na,p,m,o,red\n", "line 2: Object contains unknown field `colour`"),
        ("shot,plate,remove,output,seed\na,p,m,o,x\n", "line 2: Expected `int | null`"),
        (
            "shot,plate,remove,output,frames\na,p,m,o,1-x\n",
            "line 2: frames: '1-x' is no frame range; write it like 1001-1040",
        ),
        ("shot,plate,remove,output\na,p,m,o,more\n", "more fields than the first line names"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, text: str, says: str) -> None:
    listed = tmp_path / "shots.csv"
    listed.write_text(text)
    ran = void("batch", listed)
    assert ran.code == ExitCode.INVALID_JOB
    assert says in ran.err


def test_tabs_and_a_byte_order_mark(tmp_path: Path) -> None:
    write_shot(tmp_path / "a", [7])
    listed = tmp_path / "shots.csv"
    row = manifest_row(tmp_path)
    names = "\t".join(["shot", *row])
    listed.write_text("\ufeff" + names + "\n" + "\t".join(["a", *row.values()]) + "\n", encoding="utf-8")
    (job,) = read_csv_manifest(listed, ManifestRow()).jobs
    assert job.shot.first_frame == 7


class TestTimelines:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("opentimelineio")

    def test_clips_are_shots(self, tmp_path: Path) -> None:
        import opentimelineio as otio

        for name in ("sh010", "sh020"):
            write_shot(tmp_path / name, range(1001, 1011))
        track = otio.schema.Track("v1")
        for name, first, length in (("sh010", 1002, 3), ("sh020", 1004, 2), ("sh010", 1006, 2)):
            clip = otio.schema.Clip(
                name,
                otio.schema.ImageSequenceReference(
                    target_url_base=str(tmp_path / name),
                    name_prefix="plate.",
                    name_suffix=".exr",
                    start_frame=1001,
                    rate=24,
                    frame_zero_padding=4,
                    available_range=otio.opentime.TimeRange(
                        otio.opentime.RationalTime(1001, 24), otio.opentime.RationalTime(10, 24)
                    ),
                ),
                otio.opentime.TimeRange(
                    otio.opentime.RationalTime(first, 24), otio.opentime.RationalTime(length, 24)
                ),
            )
            if name == "sh020":
                clip.metadata["void"] = {"prompt": "An empty street."}
            track.append(clip)
            track.append(otio.schema.Gap(duration=otio.opentime.RationalTime(5, 24)))
        timeline = otio.schema.Timeline("cut")
        timeline.tracks.append(track)
        path = tmp_path / "cut.otio"
        otio.adapters.write_to_file(timeline, str(path))
        values = manifest_row(tmp_path)
        row = ManifestRow(remove=values["remove"], output=values["output"], engine="identity")
        first, second = read_sources([path], row).jobs
        assert (first.shot.name, first.shot.first_frame, first.shot.last_frame) == ("sh010", 1002, 1007)
        assert (second.shot.first_frame, second.shot.last_frame) == (1004, 1005)
        assert second.settings.prompt == "An empty street."
        ran = void(
            "batch", path, "--remove", values["remove"], "--output", values["output"], "--engine", "identity"
        )
        assert ran.code == 0, ran.err
        assert len(list((tmp_path / "sh010" / "out").glob("*.exr"))) == 6

    def test_an_edl(self, tmp_path: Path) -> None:
        """Source timecodes are frame numbers at the list's rate."""
        pytest.importorskip("otio_cmx3600_adapter")
        write_shot(tmp_path / "sh010", range(1001, 1009))
        path = tmp_path / "cut.edl"
        path.write_text(
            "TITLE: CUT\nFCM: NON-DROP FRAME\n\n"
            "001  AX       V     C        00:00:41:18 00:00:41:22 01:00:00:00 01:00:00:04\n"
            "* FROM CLIP NAME: sh010\n"
        )
        values = manifest_row(tmp_path)
        row = ManifestRow(
            plate=values["plate"], remove=values["remove"], output=values["output"], engine="identity"
        )
        (job,) = read_sources([path], row, TimelineOptions(fps=24)).jobs
        assert (job.shot.name, job.shot.first_frame, job.shot.last_frame) == ("sh010", 1002, 1005)


class TestAFarmCitizen:
    def test_one_model_load_for_jobs_given_together(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[str] = []
        plain = translate.make_engine

        def counted(name: str) -> Any:
            made.append(name)
            return plain(name)

        monkeypatch.setattr(translate, "warm_engine", cache(counted))
        jobs = shots(tmp_path, "sh010", "sh020", "sh030")
        assert void("run", *sorted(jobs.iterdir())).code == 0
        assert void("batch", jobs, "--version", "2").code == 0
        assert made == ["identity"]

    @pytest.mark.skipif(os.name == "nt", reason="POSIX environments")
    def test_no_home_no_server_and_temporary_files_below_scratch(self, tmp_path: Path) -> None:
        """In an environment of five variables, and a home that nobody may write to."""
        job = farm_job(tmp_path, engine="propagation", frames=2)
        scratch, elsewhere = tmp_path / "scratch", tmp_path / "tmp"
        elsewhere.mkdir()
        code = (
            "import sys, tempfile, os\n"
            "from void_server.cli.commands import app\n"
            f"app(['run', {str(job)!r}, '--scratch', {str(scratch)!r}], standalone_mode=False)\n"
            f"assert tempfile.gettempdir() == {str(scratch / 'tmp')!r}, tempfile.gettempdir()\n"
            f"assert os.environ['VOID_CACHE'].startswith({str(scratch)!r})\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code],
            env={"PATH": os.environ["PATH"], "TMPDIR": str(elsewhere), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert len(list((tmp_path / "sh010" / "out").glob("*.exr"))) == 2
        assert "sh010 propagate 2/2" in ran.stdout  # progress is on standard output
        assert not list(elsewhere.iterdir())

    @pytest.mark.skipif(os.name == "nt", reason="signals")
    def test_sigterm_ends_a_batch_within_the_grace_and_it_goes_on(self, tmp_path: Path) -> None:
        jobs = shots(tmp_path, "sh010", "sh020", frames=40)
        report = tmp_path / "report.json"
        running = subprocess.Popen(
            [sys.executable, "-m", "void_server", "batch", str(jobs), "--report", str(report)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        out = tmp_path / "sh010" / "out"
        limit = time.monotonic() + 60
        while not (out.is_dir() and list(out.glob("r_*.exr"))) and time.monotonic() < limit:
            time.sleep(0.02)
        asked = time.monotonic()
        running.terminate()
        running.communicate(timeout=30)
        assert time.monotonic() - asked < 10
        assert running.returncode == ExitCode.CANCELLED
        found = report_of(report)
        assert found["sh010"]["state"] in ("cancelled", "done")
        assert found["sh020"]["state"] == "cancelled"
        whole = list(out.iterdir())
        assert all(path.name.startswith("r_v001.") for path in whole)
        before = {path: path.stat().st_mtime_ns for path in whole}
        again = void("batch", jobs, "--report", report)
        assert again.code == 0, again.err
        assert all(path.stat().st_mtime_ns == made for path, made in before.items())
        assert report_of(report)["sh020"]["frames"] == 40


def test_a_bundle_takes_the_same_lists(tmp_path: Path) -> None:
    jobs = shots(tmp_path, "sh010", "sh020")
    ran = void("farm", "bundle", jobs, "--to", "openjd", "-o", tmp_path / "b")
    assert ran.code == 0, ran.err
    assert "2 shots in 2 bundles" in ran.out
    assert read_job(tmp_path / "b" / "sh020" / "jobs" / "sh020.json").shot.name == "sh020"
    together = void("farm", "bundle", jobs, "--to", "openjd", "-o", tmp_path / "one", "--together")
    assert "2 shots in 1 bundle with 4 tasks" in together.out
    one = void("farm", "bundle", jobs / "sh010.json", "--to", "openjd", "-o", tmp_path / "single")
    assert one.out.splitlines()[-1].startswith("1 shot in 1 bundle")
