from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.review_case import reviewed_job
from void_server.review.catalogue import review_shots
from void_server.review.errors import ReviewError
from void_server.review.notes import review_path
from void_server.review.page import STATIC, ReviewPage, script_text
from void_server.review.shown import ReviewView


def made(folder: Path, *jobs: object, widest: int = 1280) -> ReviewPage:
    return ReviewPage(folder, review_shots(jobs), ReviewView.named(), widest)  # type: ignore[arg-type]


def content(path: Path) -> dict[str, object]:
    return json.loads(re.fullmatch(r"voidReview\.\w+\((.*)\);\n", path.read_text(), re.DOTALL)[1])


def test_a_page_is_whole(tmp_path: Path) -> None:
    job, unchecked = reviewed_job(tmp_path, "one"), reviewed_job(tmp_path, "two", versions=1, verdict=False)
    review_path(job.output.versioned_pattern).write_text("{")
    with made(tmp_path / "page", job, unchecked) as page:
        assert page.prepare() == []
        told: list[tuple[int, int]] = []
        assert page.make_pictures(lambda done, total: told.append((done, total))) == []
    assert told[-1] == (len(told), len(told))
    folder = tmp_path / "page"
    assert all((folder / name).is_file() for name in (*STATIC, "plotly.min.js"))
    listed = content(folder / "review_data.js")
    told_of = [
        (shot["key"], shot["fps"], [one["status"] for one in shot["versions"]]) for shot in listed["shots"]
    ]
    assert told_of == [("one", 12.0, ["", "red"]), ("two", 12.0, [""])]
    assert (listed["server"], len(listed["greyLight"])) == (False, 256)
    newest = content(folder / "shots/one/shot.js")["versions"]["v002"]
    assert newest["verdict"]["findings"][0]["worst"] == 1003
    assert "move it away" in newest["reviewProblem"]
    files = {str(path.relative_to(folder / "shots/one")) for path in (folder / "shots/one").rglob("*.png")}
    assert {
        "plate/1004.png",
        "v001/result/1004.png",
        "v002/result/1003.png",
        "v002/confidence/1003.png",
    } <= files
    assert "v002/result/1004.png" not in files
    pages = "".join((folder / name).read_text() for name in STATIC)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//|url\((?:https?:)?//", pages)


def test_a_frame_that_cannot_be_read_is_told_and_the_others_are_shown(tmp_path: Path) -> None:
    job = reviewed_job(tmp_path)
    (tmp_path / "glass/clean_v002.1001.exr").write_bytes(b"no picture")
    (tmp_path / "glass/plate.1003.exr").unlink()
    with made(tmp_path / "page", job) as page:
        problems = page.prepare() + page.make_pictures()
    assert any("clean_v002.1001.exr" in problem for problem in problems)
    assert any("plate.1003.exr" in problem for problem in problems)
    assert (tmp_path / "page/shots/glass/v002/result/1002.png").exists()


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    job = reviewed_job(tmp_path)
    with made(tmp_path / "glass", job) as page, pytest.raises(ReviewError, match="not empty"):
        page.prepare()
    assert not (tmp_path / "glass/index.html").exists()


def test_another_width_makes_all_pictures_again(tmp_path: Path) -> None:
    job = reviewed_job(tmp_path)
    with made(tmp_path / "page", job) as page:
        page.prepare()
        page.make_pictures()
    with made(tmp_path / "page", job, widest=24) as page:
        page.prepare()
        assert not (tmp_path / "page/shots/glass/plate").exists()


def test_texts_of_others_stay_texts() -> None:
    text = script_text({"name": "</script><!--\u2028"})
    assert b"<" not in text
    assert "\u2028" not in text.decode()
    assert json.loads(text) == {"name": "</script><!--\u2028"}
