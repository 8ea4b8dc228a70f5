from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from tests.review_case import FIRST, HEIGHT, LAST, WIDTH, plate_pixels, reviewed_job
from void_protocol.errors import ProtocolError
from void_protocol.job import RemovalJob
from void_protocol.task import BoxPrompt, MakeMattes, PointPrompt, PromptedObject
from void_server.review.catalogue import review_shots
from void_server.review.matte_orders import MatteOrders
from void_server.review.notes import Note, Review, read_review, write_review
from void_server.review.page import ReviewPage
from void_server.review.serving import ReviewServer
from void_server.review.shown import ReviewView


class Asked:
    def __init__(self, folder: Path) -> None:
        self.job = reviewed_job(folder)
        self.page = ReviewPage(folder / "page", review_shots([self.job]), ReviewView.named())
        self.page.__enter__()
        assert self.page.prepare(server=True) == []
        self.sent: list[RemovalJob] = []
        self.told: list[Callable[[str], None]] = []
        self.refuses = ""
        self.server = ReviewServer(self.page, "anna", orders=MatteOrders(self._send))
        self._thread = threading.Thread(target=self.server.serve)
        self._thread.start()

    def _send(self, job: RemovalJob, told: Callable[[str], None]) -> None:
        if self.refuses:
            raise ProtocolError(self.refuses)
        self.sent.append(job)
        self.told.append(told)

    def close(self) -> None:
        self.server.stop()
        self._thread.join()
        self.server.close()
        self.page.__exit__()

    def raw(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        connection.request(
            method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = connection.getresponse()
        read = answer.status, answer.read()
        connection.close()
        return read

    def ask(self, path: str, **rest: object) -> tuple[int, bytes]:
        return self.raw(f"/{self.server.key}/{path}", **rest)  # type: ignore[arg-type]

    def post(self, review: object, where: str = "review/glass/v002", **headers: str) -> tuple[int, bytes]:
        headers = {"X_Void_Review": "1", **headers}
        return self.ask(where, method="POST", body=msgspec.json.encode(review), **headers)


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    asked = Asked(tmp_path)
    yield asked
    asked.close()


def test_the_page_and_its_pictures_at_any_exposure(asked: Asked) -> None:
    assert asked.server.url.endswith(f":{asked.server.port}/{asked.server.key}/index.html")
    for name in (
        "",
        "index.html",
        "review.css",
        "viewer.js",
        "plotly.min.js",
        "review_data.js",
        "shots/glass/thumbnail.jpg",
    ):
        assert asked.ask(name)[0] == 200, name
    status, data = asked.ask("shots/glass/plate/1001.png?exposure=-2&gamma=1.5")
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert status == 200
    assert (shown == ReviewView.named().shown(plate_pixels(FIRST), -2.0, 1.5)).all()
    for wrong in ("exposure=x", "exposure=nan&gamma=nan", "gamma=0"):
        assert asked.ask(f"shots/glass/plate/1001.png?{wrong}")[0] == 200
    assert (asked.page.folder / "shots/glass/plate/1001.png").exists()


NOT_THERE = (
    "shots/glass/plate/999.png",
    f"shots/glass/v002/result/{LAST}.png",
    "shots/glass/v002/../plate/1001.png",
    "shots/glass/v003/result/1001.png",
    "shots/other/plate/1001.png",
    "shots/glass/v002/plate/1001.png",
    "shots/glass/plate/1001.exr",
    "shots/glass/plate/9999999999999.png",
    "shots/glass/plate/%D9%A1.png",
    "../review_pictures.json",
    "review_pictures.json",
    "%2e%2e/%2e%2e/etc/passwd",
    "shots/glass",
    "shots",
    "shots/../thumbnail.jpg",
    "shots/glass/shot.js/",
    "shots/no/shot.js",
)


def test_nothing_else_is_given_away(asked: Asked) -> None:
    assert {path: asked.ask(path)[0] for path in NOT_THERE} == dict.fromkeys(NOT_THERE, 404)


def test_strangers_get_nothing(asked: Asked) -> None:
    assert asked.raw("/index.html")[0] == 403
    assert asked.raw("/")[0] == 403
    assert asked.raw(f"/{asked.server.key[:-1]}/index.html")[0] == 403
    assert asked.raw("/%ff/index.html")[0] == 403
    assert asked.ask("index.html", Host="evil.example")[0] == 421
    assert asked.ask("index.html", Host="127.0.0.1:1@evil.example")[0] == 421
    assert asked.ask("index.html", Host="[")[0] == 421
    assert asked.ask("index.html", Host=f"localhost:{asked.server.port}")[0] == 200


def test_notes_are_kept_with_their_author(asked: Asked) -> None:
    result = asked.job.output.versioned_pattern
    status, answer = asked.post(
        {"decision": "redo", "notes": [{"frame": 1002, "text": "here </script>", "box": [0, 0, 1, 1]}]}
    )
    assert status == 200
    kept = read_review(result)
    assert (kept.decision, kept.revision, kept.notes[0].author) == ("redo", 1, "anna")
    assert json.loads(answer)["review"]["notes"][0]["time"].endswith("+00:00")
    script = asked.ask("shots/glass/shot.js")[1]
    assert b"</script" not in script
    assert b"\\u003c/script" in script
    write_review(result, msgspec.structs.replace(kept, reason="from elsewhere"))
    status, answer = asked.post({"revision": 1, "decision": "approved"})
    assert status == 409
    assert json.loads(answer)["review"]["reason"] == "from elsewhere"
    assert read_review(result).decision == "redo"


def test_only_the_page_changes_notes(asked: Asked) -> None:
    review = Review(notes=[Note(frame=1001, text="x")])
    assert asked.post(review, X_Void_Review="0")[0] == 403
    assert asked.post(review, Origin="http://evil.example")[0] == 403
    assert asked.post(review, Origin="null")[0] == 403
    assert asked.post(review, where="review/glass/v009")[0] == 404
    assert asked.post(review, where="review/glass")[0] == 404
    assert asked.post(review, where="shots/glass/v002")[0] == 404
    assert asked.post({"notes": [{"frame": 1, "text": ""}]})[0] == 400
    assert asked.post({"decision": "maybe"})[0] == 400
    assert asked.post({"notes": [{"frame": 1, "text": "x", "box": [0, 0, 2, 1]}]})[0] == 400
    assert (
        asked.ask("review/glass/v002", method="POST", body=b"", X_Void_Review="1", Content_Length="-5")[0]
        == 413
    )
    assert asked.ask("review/glass/v002", method="DELETE")[0] == 501
    assert read_review(asked.job.output.versioned_pattern) == Review()
    assert asked.post(review, Origin=f"http://127.0.0.1:{asked.server.port}")[0] == 200


def test_a_matte_of_what_is_marked_is_asked_of_the_server(asked: Asked) -> None:
    assert json.loads(asked.ask("matte/glass")[1]) == {"said": ""}
    status, answer = asked.post({"frame": 1002, "box": [0.25, 0.25, 0.5, 0.75]}, where="matte/glass")
    assert status == 200
    job = asked.sent[0]
    # y counts upwards in a job.
    box = BoxPrompt(frame=1002, left=WIDTH / 4, bottom=HEIGHT / 4, right=WIDTH / 2, top=HEIGHT * 0.75)
    assert job.task == MakeMattes(objects=[PromptedObject(boxes=[box])])
    assert (job.mattes, job.shot) == ([], asked.job.shot)
    said = json.loads(answer)["said"]
    assert said.startswith("the matte was asked for: ")
    assert job.output.pattern in said
    asked.told[0]("the matte is there")
    assert json.loads(asked.ask("matte/glass")[1])["said"].startswith("the matte is there")
    # A click; its files have another place than those of the first.
    assert asked.post({"frame": 1001, "box": [0.5, 0.25, 0.5, 0.25]}, where="matte/glass")[0] == 200
    point = PointPrompt(frame=1001, x=WIDTH / 2, y=HEIGHT * 0.75)
    assert asked.sent[1].task == MakeMattes(objects=[PromptedObject(points=[point])])
    assert asked.sent[1].output.pattern != job.output.pattern


def test_a_matte_that_cannot_be_made_is_refused_with_the_reason(asked: Asked) -> None:
    marked = {"frame": 1002, "box": [0, 0, 1, 1]}
    assert asked.post(marked, where="matte/other")[0] == 404
    assert asked.post(marked, where="matte/glass", X_Void_Review="0")[0] == 403
    assert asked.post({"frame": 1002}, where="matte/glass")[0] == 400
    assert asked.post({"frame": 1002, "box": [0, 0, 2, 1]}, where="matte/glass")[0] == 400
    assert asked.post({"frame": 9, "box": [0, 0, 1, 1]}, where="matte/glass")[0] == 400
    asked.refuses = "no server is running"
    status, answer = asked.post(marked, where="matte/glass")
    assert (status, answer) == (503, b"no server takes it: no server is running")
    assert asked.sent == []
