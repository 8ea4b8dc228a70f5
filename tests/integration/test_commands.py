"""The ``void`` command as a user meets it: files, lines and exit statuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.integration.command_case import FIRST, LAST, edit, new_job, void, write_shot, write_stereo_shot
from void_engine.plates.exr.file import read_frame, read_header
from void_protocol.job_file import read_job
from void_server.cli.exit_codes import ExitCode
from void_server.operation.server_process import ServerProcess
from void_server.settings import ServerSettings


def results(folder: Path, version: int = 1) -> list[str]:
    return sorted(path.name for path in (folder / "out").glob(f"r_v{version:03d}.*.exr"))


ALL = [f"r_v001.{number}.exr" for number in range(FIRST, LAST + 1)]


def test_new_reads_the_plate(tmp_path: Path) -> None:
    job = read_job(new_job(tmp_path))
    assert (job.shot.first_frame, job.shot.last_frame) == (FIRST, LAST)
    assert (job.shot.format.width, job.shot.format.height) == (96, 64)
    assert job.shot.name == "plate"
    assert job.mattes[0].channel == "matte.A"


def test_new_takes_shapes_ranges_and_a_quadmask(tmp_path: Path) -> None:
    plate = write_shot(tmp_path)
    shapes = [
        {"name": "s", "role": "remove", "frames": [{"frame": 1002, "points": [[1, 1], [9, 1], [5, 9]]}]}
    ]
    (tmp_path / "shapes.json").write_text(json.dumps(shapes))
    ran = void(
        "new", tmp_path / "job.json", "--plate", plate, "--frames", "1002", "--output", tmp_path / "o.exr",
        "--shapes", tmp_path / "shapes.json", "--quadmask", tmp_path / "q.%04d.exr", "--name", "sh010",
        "--no-check",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    job = read_job(tmp_path / "job.json")
    assert job.shapes[0].name == "s"
    assert [(matte.role, matte.channel) for matte in job.mattes] == [
        ("remove", "remove"),
        ("affected", "affected"),
    ]


def test_run_writes_every_frame_and_keeps_what_is_there(tmp_path: Path) -> None:
    job = new_job(tmp_path)
    ran = void("run", job)
    assert ran.code == 0, ran.err
    assert results(tmp_path) == ALL
    before = (tmp_path / "out" / ALL[0]).stat().st_mtime_ns
    (tmp_path / "out" / ALL[1]).unlink()
    again = void("run", job)
    assert again.code == 0, again.err
    assert results(tmp_path) == ALL
    assert (tmp_path / "out" / ALL[0]).stat().st_mtime_ns == before
    assert "2 of 3 frames are already there" in again.out


def test_one_bad_job_does_not_stop_those_after_it(tmp_path: Path) -> None:
    bad, good = new_job(tmp_path / "a"), new_job(tmp_path / "b")
    edit(bad, "shot", "plate", value=str(tmp_path / "gone.%04d.exr"))
    ran = void("run", bad, good)
    assert ran.code == ExitCode.SOME_FAILED
    assert "missing frames" in ran.err
    assert "1 of 2 jobs failed" in ran.err
    assert results(tmp_path / "b") == ALL


def test_run_takes_overrides(tmp_path: Path) -> None:
    ran = void("run", new_job(tmp_path), "--engine", "propagation", "--proxy", "0.5", "--version", "7")
    assert ran.code == 0, ran.err
    assert len(results(tmp_path, 7)) == 3
    frame = read_frame(tmp_path / "out" / "r_v007.1001.exr", 1001)
    assert frame.display_size == (48, 32)
    assert frame.metadata["void/engine"] == "propagation"


@pytest.mark.parametrize(
    ("path", "value", "code", "says"),
    [
        (["schema_version"], 9, ExitCode.INVALID_JOB, "$.schema_version"),
        (["settings", "engine"], "magic", ExitCode.INVALID_JOB, "no engine 'magic'"),
        (["shot", "format", "width"], 1920, ExitCode.BAD_INPUT, "the job says 1920x64"),
        (["shot", "last_frame"], 1005, ExitCode.BAD_INPUT, "1004-1005"),
        (["mattes", 0, "channel"], "nope", ExitCode.BAD_INPUT, "no channel 'nope'"),
    ],
)
def test_run_explains_itself(
    tmp_path: Path, path: list[str | int], value: object, code: ExitCode, says: str
) -> None:
    job = new_job(tmp_path)
    edit(job, *path, value=value)
    ran = void("run", job)
    assert ran.code == code
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert not results(tmp_path)


def test_a_result_that_cannot_be_written(tmp_path: Path) -> None:
    job = new_job(tmp_path)
    edit(job, "output", "pattern", value=str(job / "r.%04d.exr"))  # below a file, not a folder
    ran = void("run", job)
    assert ran.code == ExitCode.BAD_OUTPUT
    assert "job.json" in ran.err


def test_run_never_overwrites_and_takes_the_next_version_each_time(tmp_path: Path) -> None:
    job, out = new_job(tmp_path), tmp_path / "out"
    (out / ALL[2]).write_bytes(b"precious")
    for options in (["--no-next-version"], ["--version", "1"]):
        ran = void("run", job, *options)
        assert ran.code == ExitCode.BAD_OUTPUT
        assert "next output version" in ran.err
    ran = void("run", job)
    assert ran.code == 0, ran.err
    assert "v001 was made otherwise and stays; this is v002" in ran.err
    assert void("run", job).code == 0  # It goes on with its own v002.
    assert void("run", job, "--soften", "9").code == 0
    assert sorted({path.name[:6] for path in out.iterdir()}) == ["r_v001", "r_v002", "r_v003"]
    assert (out / ALL[2]).read_bytes() == b"precious"


def test_overwriting_is_asked_for_and_answered(tmp_path: Path) -> None:
    job, out = new_job(tmp_path), tmp_path / "out"
    (out / ALL[1]).write_bytes(b"precious")
    ran = void("run", job, "--overwrite")  # There is nobody to ask.
    assert ran.code == ExitCode.BAD_OUTPUT
    assert "--yes" in ran.err
    assert (out / ALL[1]).read_bytes() == b"precious"
    assert void("run", job, "--overwrite", "--yes").code == 0
    assert sorted(path.name for path in out.iterdir()) == ALL
    assert (out / ALL[1]).read_bytes() != b"precious"


def test_some_frames_are_a_test_that_the_whole_goes_on_from(tmp_path: Path) -> None:
    job, out = new_job(tmp_path), tmp_path / "out"
    ran = void("run", job, "--frames", "1002")
    assert ran.code == 0, ran.err
    assert [path.name for path in out.iterdir()] == [ALL[1]]
    before = (out / ALL[1]).stat().st_mtime_ns
    assert void("run", job).code == 0
    assert sorted(path.name for path in out.iterdir()) == ALL
    assert (out / ALL[1]).stat().st_mtime_ns == before
    assert void("run", job, "--frames", "2000").code == ExitCode.INVALID_JOB


def test_the_final_takes_the_place_of_its_proxy(tmp_path: Path) -> None:
    job, out = new_job(tmp_path), tmp_path / "out"
    assert void("run", job, "--proxy", "0.5").code == 0
    assert maker(out / ALL[0])["void/proxy_scale"] == 0.5
    ran = void("run", job)
    assert ran.code == 0, ran.err
    assert "are proxies of this version" in ran.out
    assert sorted(path.name for path in out.iterdir()) == ALL
    assert maker(out / ALL[0])["void/proxy_scale"] == 1.0
    # A proxy does not take the place of a final.
    assert "this is v002" in void("run", job, "--proxy", "0.5").err


def maker(path: Path) -> Mapping[str, object]:
    return read_header(path, 1001).metadata


def test_a_job_without_an_id_gets_one_and_its_paths_follow_the_file(tmp_path: Path) -> None:
    job = new_job(tmp_path)
    tree = json.loads(job.read_text())
    del tree["job_id"]
    tree["shot"]["plate"] = tree["mattes"][0]["pattern"] = "shot/plate.%04d.exr"
    tree["output"]["pattern"] = "out/r_{version}.%04d.exr"
    job.write_text(json.dumps(tree))
    ran = void("run", job)
    assert ran.code == 0, ran.err
    assert "had no job_id" in ran.err
    assert json.loads(job.read_text())["job_id"] == read_job(job).job_id
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ALL
    assert "kept" in void("run", job).out


def test_new_refuses_at_once_what_would_fail_later(tmp_path: Path) -> None:
    plate = write_shot(tmp_path / "shot")
    job = tmp_path / "job.json"
    for options, says in (
        (["--engine", "propagaton"], "--engine: there is no engine 'propagaton'; did you mean 'propagation'"),
        (["--anchor", f"{LAST + 9}:{plate}"], "--anchor: frame 1012 is outside"),
        (["--engine", "propagation", "--engine-option", "fil=smooth"], "'fil' is not"),
        (["--region", "5,5,5,5"], "--region"),
        (["--engine", "void"], "prompt is empty"),
    ):
        ran = void("new", job, "--plate", plate, "--remove", f"{plate}:matte.A", *options)
        assert ran.code == ExitCode.INVALID_JOB, ran.err
        assert says in ran.err
    ran = void("new", job, "--plate", plate)
    assert ran.code == ExitCode.INVALID_JOB
    assert "--remove" in ran.err
    ran = void("new", job, "--plate", plate, "--remove", f"{plate}:matte.B")
    assert ran.code == ExitCode.BAD_INPUT
    (tmp_path / "shot" / "plate.1002.exr").unlink()
    ran = void("new", job, "--plate", plate, "--remove", f"{plate}:matte.A")
    assert ran.code == ExitCode.BAD_INPUT
    assert "1002" in ran.err
    assert not job.exists()


def test_new_replaces_a_job_file_when_it_may(tmp_path: Path) -> None:
    plate = write_shot(tmp_path / "shot")
    job = tmp_path / "job.json"
    line = ("new", job, "--plate", plate, "--remove", f"{plate}:matte.A")
    assert void(*line, "--overwrite").code == 0
    before = job.read_bytes()
    assert "exists already" in void(*line).err
    ran = void(*line, "--overwrite")  # Nobody is there to answer.
    assert ran.code == ExitCode.BAD_OUTPUT
    assert "stays as it is (--yes answers yes)" in ran.err
    assert job.read_bytes() == before
    assert void(*line, "--overwrite", "--yes", "--seed", "7").code == 0
    assert read_job(job).settings.seed == 7


def test_jobs_that_write_the_same_files_are_named_and_stop_no_others(tmp_path: Path) -> None:
    first, other = new_job(tmp_path), new_job(tmp_path / "b")
    second = tmp_path / "second.json"
    second.write_bytes(first.read_bytes())
    edit(second, "job_id", value="2" * 32)
    ran = void("run", first, second, other)
    assert ran.code == ExitCode.SOME_FAILED
    assert f"{second} and {first} both write" in ran.err
    assert results(tmp_path) == ALL
    assert results(tmp_path / "b") == ALL


def test_debug_shows_the_trace(tmp_path: Path) -> None:
    ran = void("--debug", "run", tmp_path / "nothing.json")
    assert ran.code == ExitCode.INVALID_JOB
    assert "Traceback" in ran.err
    assert "nothing.json" in ran.err


def test_a_bad_command_line_is_status_2(tmp_path: Path) -> None:
    assert void("run").code == 2
    assert (
        void("new", tmp_path / "j.json", "--plate", "p.%04d.exr", "--output", "o", "--frames", "x").code == 2
    )


def test_sigterm_stops_and_keeps_whole_frames(tmp_path: Path) -> None:
    plate = write_shot(tmp_path / "long", range(1, 801))
    job = new_job(tmp_path)
    edit(job, "shot", "plate", value=plate)
    edit(job, "mattes", 0, "pattern", value=plate)
    edit(job, "shot", "first_frame", value=1)
    edit(job, "shot", "last_frame", value=800)
    running = subprocess.Popen(
        [sys.executable, "-m", "void_server", "run", str(job)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    limit = time.monotonic() + 60
    while not results(tmp_path) and time.monotonic() < limit:
        time.sleep(0.02)
    asked = time.monotonic()
    running.terminate()
    _, err = running.communicate(timeout=30)
    assert time.monotonic() - asked < 10
    assert running.returncode == ExitCode.CANCELLED
    assert b"cancelled" in err
    whole = list((tmp_path / "out").iterdir())
    assert 0 < len(whole) < 800
    for path in whole:
        assert path.suffix == ".exr"
        assert not path.name.startswith(".")
        read_frame(path, 1)


def test_contact_sheet(tmp_path: Path) -> None:
    job = new_job(tmp_path, engine="propagation")
    assert void("run", job).code == 0
    sheet = tmp_path / "sheet.png"
    ran = void("contact-sheet", job, "-o", sheet, "--rows", "2", "--difference")
    assert ran.code == 0, ran.err
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.shape[1] > 4 * 400
    assert len(np.unique(picture)) > 50
    assert void("contact-sheet", job, "-o", sheet, "--frames", "5-9").code == 2
    missing = void("contact-sheet", job, "-o", sheet, "--version", "3")
    assert missing.code == ExitCode.BAD_INPUT


def test_a_sheet_of_an_unfinished_proxy_says_so_and_has_as_many_rows_as_asked(tmp_path: Path) -> None:
    job, sheet = new_job(tmp_path), tmp_path / "sheet.jpg"
    assert void("contact-sheet", job, "-o", sheet).code == ExitCode.BAD_INPUT
    assert void("run", job, "--proxy", "0.5").code == 0
    (tmp_path / "out" / ALL[2]).unlink()
    ran = void("contact-sheet", job, "-o", sheet, "--frames", "1001-1003")
    assert ran.code == 0, ran.err
    assert sheet.read_bytes()[:2] == b"\xff\xd8"
    three = cv2.imread(str(sheet)).shape[0]
    assert void("contact-sheet", job, "-o", sheet).code == 0  # the two frames that are there
    assert cv2.imread(str(sheet)).shape[0] < three
    assert void("contact-sheet", job, "-o", tmp_path / "sheet.exr").code == ExitCode.INVALID_JOB


def test_the_demo_judges_itself(tmp_path: Path) -> None:
    words = ("demo", "-o", tmp_path, "--width", "192", "--height", "108", "--frames", "4")
    ran = void(*words, "--engine", "propagation")
    assert ran.code == 0, ran.err
    assert "bit-exact outside: yes" in ran.out
    assert "shadow proposed by evidence" in ran.out
    assert "OpenCV Telea" in ran.out
    # The second part: the answer of a small canvas, before and after.
    figures = dict(re.findall(r"(enlarged|with plate detail) +([0-9.]+) dB", ran.out))
    assert float(figures["with plate detail"]) > float(figures["enlarged"]) + 2
    assert cv2.imread(str(tmp_path / "result" / "demo_v001_detail.png")) is not None
    sheet = cv2.imread(str(tmp_path / "result" / "demo_v001.png"))
    assert sheet is not None
    frames = sorted((tmp_path / "result").glob("demo_v001.*.exr"))
    assert len(frames) == 4
    assert read_frame(frames[0], 1001).metadata["void/engine"] == "propagation"
    again = void(*words, "--engine", "identity")
    assert again.code == 0, again.err
    assert len(list((tmp_path / "result").glob("demo_v002.*.exr"))) == 4


def test_schema_is_json() -> None:
    assert json.loads(void("schema").out)["title"] == "VOID removal job"


def test_version() -> None:
    assert void("--version").out.startswith("void ")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a server that runs."""
    folder = tmp_path_factory.mktemp("home")
    with ServerProcess(ServerSettings(home=folder, endpoint="tcp://127.0.0.1:0")):
        yield folder


class TestWithAServer:
    @pytest.mark.parametrize("transfer", ["paths", "streamed"])
    def test_submit_and_look(self, tmp_path: Path, home: Path, transfer: str) -> None:
        job = new_job(tmp_path)
        ran = void("submit", job, "--home", home, "--transfer", transfer)
        assert ran.code == 0, ran.err
        assert results(tmp_path) == ALL
        job_id = read_job(job).job_id
        listed = json.loads(void("jobs", "--json", "--home", home).out)
        assert (listed[0]["job_id"], listed[0]["state"]) == (job_id, "done")
        assert job_id in void("jobs", "--home", home).out
        assert void("watch", job_id, "--home", home).code == 0
        assert "done" in void("logs", job_id, "--home", home).out

    def test_both_eyes_of_a_plate_belong_together(self, tmp_path: Path, home: Path) -> None:
        plate = write_stereo_shot(tmp_path / "shot")
        ran = void(
            "new", tmp_path / "job.json", "--plate", plate, "--remove", f"{plate}:roto.A",
            "--view", "left,right", "--engine", "propagation", "--output", tmp_path / "%V_{version}.%04d.exr",
        )  # fmt: skip
        assert ran.code == 0, ran.err
        left, right = (tmp_path / f"job_{view}.json" for view in ("left", "right"))
        assert (read_job(left).shot.view, read_job(right).shot.view) == ("left", "right")
        together = read_job(left).together
        assert together
        assert together == read_job(right).together
        ran = void("submit", left, right, "--home", home)
        assert ran.code == 0, ran.err
        listed = void("jobs", "--home", home).out
        assert f"left of {together}" in listed
        assert f"right of {together}" in listed
        for view, changed in (("left", {"R", "G", "B"}), ("right", {"right.R", "right.G", "right.B"})):
            before = read_frame(Path(plate % 1001), 1001)
            after = read_frame(tmp_path / f"{view}_v001.1001.exr", 1001)
            own = {name for name in before.channel_names if (before.native(name) != after.native(name)).any()}
            assert own == changed
            assert after.header.views == ("left", "right")

    def test_fetch_brings_what_was_left_behind(self, tmp_path: Path, home: Path) -> None:
        job = new_job(tmp_path)
        job_id = read_job(job).job_id
        assert void("submit", job, "--home", home, "--transfer", "streamed", "--no-wait").code == 0
        assert void("watch", job_id, "--home", home).code == 0
        assert not results(tmp_path)
        ran = void("fetch", job_id, "--home", home)
        assert ran.code == 0, ran.err
        assert results(tmp_path) == ALL

    def test_fetch_writes_where_a_colleague_chose_only_when_told_to(self, tmp_path: Path, home: Path) -> None:
        job = new_job(tmp_path)
        job_id = read_job(job).job_id
        assert void("submit", job, "--home", home, "--transfer", "streamed", "--no-wait").code == 0
        assert void("watch", job_id, "--home", home).code == 0
        anna = tmp_path / "anna"
        assert void("keys", "new-client", "anna", anna, "--home", home).code == 0
        refused = void("fetch", job_id, "--home", anna)
        assert refused.code == ExitCode.REFUSED
        assert f"{tmp_path}" in refused.err
        assert "--output" in refused.err
        assert not results(tmp_path)
        ran = void("fetch", job_id, "--home", anna, "--output", tmp_path / "hers" / "a.%04d.exr")
        assert ran.code == 0, ran.err
        assert (len(list((tmp_path / "hers").iterdir())), results(tmp_path)) == (3, [])
        assert void("fetch", job_id, "--home", anna, "--yes").code == 0
        assert results(tmp_path) == ALL

    def test_a_job_that_fails_there_is_status_6(self, tmp_path: Path, home: Path) -> None:
        job = new_job(tmp_path)
        edit(job, "mattes", 0, "channel", value="nope")
        ran = void("submit", job, "--home", home)
        assert ran.code == ExitCode.JOB_FAILED
        assert "no channel 'nope'" in ran.err

    def test_all_jobs_are_sent_and_one_that_fails_does_not_stop_the_others(
        self, tmp_path: Path, home: Path
    ) -> None:
        bad, good = new_job(tmp_path / "a"), new_job(tmp_path / "b")
        edit(bad, "mattes", 0, "channel", value="nope")
        ran = void("submit", bad, good, "--home", home)
        assert ran.code == ExitCode.SOME_FAILED
        assert "no channel 'nope'" in ran.err
        assert results(tmp_path / "b") == ALL

    def test_a_changed_job_is_another_one(self, tmp_path: Path, home: Path) -> None:
        job = new_job(tmp_path)
        assert void("submit", job, "--home", home).code == 0
        again = void("submit", job, "--home", home, "--version", "2")
        assert again.code == 0, again.err
        assert len(results(tmp_path, 2)) == 3

    @pytest.mark.parametrize(
        ("path", "value", "code", "says"),
        [
            (["shot", "last_frame"], 1005, ExitCode.BAD_INPUT, "1004-1005"),
            (["settings", "prompt"], "other", ExitCode.REFUSED, "other content"),
        ],
    )
    def test_refusals_have_their_status(
        self, tmp_path: Path, home: Path, path: list[str], value: object, code: ExitCode, says: str
    ) -> None:
        job = new_job(tmp_path)
        if code is ExitCode.REFUSED:
            assert void("submit", job, "--home", home, "--transfer", "streamed").code == 0
            for whole in (tmp_path / "out").iterdir():
                whole.unlink()
        edit(job, *path, value=value)
        ran = void("submit", job, "--home", home, "--transfer", "streamed", "--no-next-version")
        assert ran.code == code
        assert says in ran.err

    def test_results_that_are_there_are_not_overwritten(self, tmp_path: Path, home: Path) -> None:
        job = new_job(tmp_path)
        (tmp_path / "out" / ALL[1]).write_bytes(b"precious")
        assert void("submit", job, "--version", "1", "--home", home).code == ExitCode.BAD_OUTPUT
        ran = void("submit", job, "--home", home)
        assert ran.code == 0, ran.err
        assert "this is v002" in ran.err
        assert void("submit", job, "--home", home).code == 0  # It is v002 again, which is done.
        assert sorted({path.name[:6] for path in (tmp_path / "out").iterdir()}) == ["r_v001", "r_v002"]
        assert (tmp_path / "out" / ALL[1]).read_bytes() == b"precious"

    @pytest.mark.parametrize("transfer", ["paths", "streamed"])
    def test_a_proxy_and_then_the_final_are_one_version(
        self, tmp_path: Path, home: Path, transfer: str
    ) -> None:
        job, out = new_job(tmp_path), tmp_path / "out"
        options = ("--transfer", transfer, "--home", home)
        assert void("submit", job, "--proxy", "0.5", *options).code == 0
        assert maker(out / ALL[0])["void/proxy_scale"] == 0.5
        ran = void("submit", job, *options)
        assert ran.code == 0, ran.err
        assert sorted(path.name for path in out.iterdir()) == ALL
        assert maker(out / ALL[0])["void/proxy_scale"] == 1.0

    @pytest.mark.parametrize("transfer", ["paths", "streamed"])
    def test_a_cancelled_job_begins_again(self, tmp_path: Path, home: Path, transfer: str) -> None:
        job, out = new_job(tmp_path), tmp_path / "out"
        job_id = read_job(job).job_id
        options = ("--transfer", transfer, "--home", home)
        assert void("pause", "--home", home).code == 0
        assert void("submit", job, "--no-wait", *options).code == 0
        assert "cancelled" in void("cancel", "last", "--home", home).out
        assert void("submit", job, "--no-wait", *options).code == 0
        assert "queued" in void("status", job_id[:8], "--home", home).out
        assert "cancelled" in void("cancel", job, "--home", home).out
        ran = void("retry", job_id[:8], "--home", home)
        assert (ran.code == 0) is (transfer == "paths"), ran.err
        if transfer == "streamed":
            assert "submit the job's file again" in ran.err
        assert void("resume", "--home", home).code == 0
        ran = void("submit", job, *options)
        assert ran.code == 0, ran.err
        assert sorted(path.name for path in out.iterdir()) == ALL
        assert void("retry", job, "--home", home).code == ExitCode.REFUSED  # It is done.

    def test_a_job_that_was_edited_goes_as_another_one(self, tmp_path: Path, home: Path) -> None:
        job, out = new_job(tmp_path), tmp_path / "out"
        assert void("submit", job, "--home", home).code == 0
        edit(job, "settings", "seed", value=7)
        ran = void("submit", job, "--home", home)
        assert ran.code == 0, ran.err
        assert "has changed since it was submitted" in ran.out
        assert sorted({path.name[:6] for path in out.iterdir()}) == ["r_v001", "r_v002"]

    def test_frames_that_the_server_wrote_by_path_are_copied(self, tmp_path: Path, home: Path) -> None:
        job = new_job(tmp_path)
        assert void("submit", job, "--transfer", "paths", "--home", home).code == 0
        ran = void("fetch", "last", "-o", tmp_path / "copy" / "c.%04d.exr", "--home", home)
        assert ran.code == 0, ran.err
        copies = sorted((tmp_path / "copy").iterdir())
        assert [path.name for path in copies] == ["c.1001.exr", "c.1002.exr", "c.1003.exr"]
        assert copies[0].read_bytes() == (tmp_path / "out" / ALL[0]).read_bytes()

    def test_auto_says_which_engine_it_was(self, tmp_path: Path, home: Path) -> None:
        job = new_job(tmp_path, engine="auto")
        assert void("submit", job, "--home", home).code == 0
        assert "propagation (auto)" in void("jobs", "--limit", "1", "--home", home).out

    def test_one_file_that_is_no_job_does_not_stop_the_others(self, tmp_path: Path, home: Path) -> None:
        job = new_job(tmp_path)
        (tmp_path / "bad.json").write_text('{"schema_version": 1}')
        for command in (["run"], ["submit", "--home", home]):
            ran = void(command[0], tmp_path / "bad.json", job, *command[1:])
            assert ran.code == ExitCode.SOME_FAILED
            assert "bad.json" in ran.err
        assert results(tmp_path) == ALL

    def test_cancelling_what_is_over_says_so(self, tmp_path: Path, home: Path) -> None:
        job = new_job(tmp_path)
        assert void("submit", job, "--home", home).code == 0
        assert "done" in void("cancel", read_job(job).job_id, "--home", home).out

    def test_an_unknown_job(self, home: Path) -> None:
        ran = void("watch", "nobody", "--home", home)
        assert ran.code == ExitCode.REFUSED
        assert "nobody" in ran.err


def test_without_a_server(tmp_path: Path) -> None:
    ran = void("jobs", "--home", tmp_path / "home")
    assert ran.code == ExitCode.NO_SERVER
    assert "void serve" in ran.err
