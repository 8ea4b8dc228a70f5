from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from void_server.openfx_bridge import requests as module
from void_server.openfx_bridge.conversation.framing import packed
from void_server.openfx_bridge.pixels.folder import PixelFolder
from void_server.openfx_bridge.requests import Requests


class Plugin:
    """Asks in this process, and waits for the answers."""

    def __init__(self, folder: Path) -> None:
        self.pixels = PixelFolder(folder)
        self.requests = Requests(folder / "home", self.pixels, self.heard)
        self.answers: list[dict[str, str]] = []
        self.news = threading.Condition()
        self.count = 0

    def heard(self, message: Mapping[str, str]) -> None:
        packed(message)
        with self.news:
            self.answers.append(dict(message))
            self.news.notify()

    def ask(self, message: dict[str, str]) -> dict[str, str]:
        self.count += 1
        number = f"n{self.count}"
        self.requests.take(message | {"id": number})
        with self.news:
            assert self.news.wait_for(lambda: any(one.get("id") == number for one in self.answers), 30)
            found = [one for one in self.answers if one.get("id") == number]
        assert len(found) == 1
        return found[0]


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    made = Plugin(tmp_path)
    assert made.ask({"type": "hello", "protocol": "1", "background": "1"})["ok"] == "1"
    yield made
    made.requests.close(1.0)
    made.pixels.remove()


NAMES = (
    "removal", "role", "frame", "file", "offset", "x1", "y1", "x2", "y2", "row_bytes", "components", "depth",
    "path", "record", "folder", "show", "first", "last", "engine", "options", "scale", "colour_space", "grow",
    "seed", "quality", "version", "name", "premultiplied", "protocol", "background",
)  # fmt: skip
KINDS = (
    "begin", "frame", "source", "submit", "abandon", "status", "picture", "release", "cancel", "open_folder",
    "log", "hello", "", "dance",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["", "0", "1", "-1", "4", "8", "float", "byte", "plate", "remove", "result", "identity", "auto"]
    ),
    st.sampled_from(
        ["9" * 18, "1e308", "nan", "..", "/", "/dev/null", "{}", "null", "a\0b", "\udcff", "%04d", "x=1"]
    ),
    st.text(max_size=20),
    st.integers(-(2**40), 2**40).map(str),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    fields=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=10),
)
def test_every_request_gets_one_answer(plugin: Plugin, kind: str, fields: dict[str, str]) -> None:
    if fields.get("folder", "").startswith("/") or kind == "begin":
        fields["folder"] = str(plugin.pixels.path.parent.parent / "out")  # nothing is made elsewhere
    answer = plugin.ask({**fields, "type": kind})

    assert answer["type"] == "answer"
    assert answer["ok"] in ("0", "1")
    if answer["ok"] == "0":
        assert answer["error"]
        assert "bridge failed" not in answer["error"], answer
        assert "\n" not in answer["error"]


def test_a_fault_of_a_request_is_answered_and_logged(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(text: str) -> None:
        raise ZeroDivisionError("no such thing")

    monkeypatch.setattr(module, "read_record", broken)
    answer = plugin.ask({"type": "picture", "record": "r", "frame": "1"})
    assert (answer["ok"], "ZeroDivisionError" in answer["error"]) == ("0", True)
    assert "picture" in caplog.text
    assert plugin.ask({"type": "release", "file": "x"})["ok"] == "1"


def test_what_has_no_id_is_answered_by_nothing(plugin: Plugin) -> None:
    before = len(plugin.answers)
    plugin.requests.take({"type": "release", "file": "x"})
    plugin.requests.take({})
    assert len(plugin.answers) == before


def test_a_folder_is_opened_in_the_file_browser(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from void_server.openfx_bridge.results.record import Record

    folder = tmp_path / "out/removal_v001"
    folder.mkdir(parents=True)
    record = Record(job="j", folder=str(folder), name="removal", version=1, first=1, last=1, box=(0, 0, 1, 1))
    opened: list[Path] = []
    monkeypatch.setattr(module, "_open", opened.append)
    ask = {"type": "open_folder", "record": record.text}
    assert "only renders" in plugin.ask(ask)["error"]
    plugin.ask({"type": "hello", "protocol": "1", "background": "0"})
    assert plugin.ask(ask)["ok"] == "1"
    assert opened == [folder]
    folder.rmdir()
    assert "set Folder" in plugin.ask(ask)["error"]
