from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from void_server import server_log
from void_server.server_log import logging_to_files, rotate_output, server_log_file
from void_server.settings import ServerSettings

_log = logging.getLogger("void_server.test")


def lines_of(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_record_is_an_object(tmp_path: Path) -> None:
    settings = ServerSettings(home=tmp_path)
    before = list(logging.getLogger().handlers)
    with logging_to_files(settings):
        _log.info("job %s is %s", "a1", "ünder way", extra={"job_id": "a1", "state": "running", "odd": 5})
        _log.debug("not this")
        try:
            raise ValueError("why")
        except ValueError:
            _log.exception("it failed")
    assert logging.getLogger().handlers == before
    first, second = lines_of(server_log_file(settings))
    assert first == {
        "time": first["time"],
        "level": "info",
        "logger": "void_server.test",
        "message": "job a1 is ünder way",
        "job_id": "a1",
        "state": "running",
    }
    assert first["time"].endswith("+00:00")
    assert second["level"] == "error"
    assert "ValueError: why" in second["trace"]


def test_what_no_line_shows_is_not_found_out_and_is_again_afterwards(tmp_path: Path) -> None:
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    root, keep = logging.getLogger(), Keep()
    root.addHandler(keep)
    try:
        with logging_to_files(ServerSettings(home=tmp_path)):
            _log.info("inside")
        _log.warning("outside")
    finally:
        root.removeHandler(keep)
    inside, outside = records
    assert (inside.process, inside.thread, inside.processName) == (None, None, None)
    assert (outside.thread, outside.processName) == (threading.get_ident(), "MainProcess")


def test_files_are_rotated_and_bounded(tmp_path: Path) -> None:
    settings = ServerSettings(home=tmp_path, log_file_bytes=2000, log_files=3)
    with logging_to_files(settings):
        for number in range(200):
            _log.info("line %d", number)
    files = sorted(path.name for path in settings.log_folder.iterdir())
    assert files == ["server.jsonl", "server.jsonl.1", "server.jsonl.2", "server.jsonl.3"]
    assert all(path.stat().st_size <= 2000 for path in settings.log_folder.iterdir())
    told = [line for name in reversed(files) for line in lines_of(settings.log_folder / name)]
    assert [line["message"] for line in told] == [f"line {200 - len(told) + i}" for i in range(len(told))]


def test_other_handlers_hear_all_the_same(tmp_path: Path) -> None:
    class Collecting(logging.Handler):
        def __init__(self) -> None:
            super().__init__()
            self.texts: list[str] = []

        def emit(self, record: logging.LogRecord) -> None:
            self.texts.append(record.getMessage())

    handler = Collecting()
    logging.getLogger().addHandler(handler)
    try:
        with logging_to_files(ServerSettings(home=tmp_path)):
            _log.warning("heard %s", "twice")
        _log.warning("and after")
    finally:
        logging.getLogger().removeHandler(handler)
    assert handler.texts == ["heard twice", "and after"]


def test_a_full_disk_does_not_end_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ServerSettings(home=tmp_path)
    is_full = threading.Event()
    flushed = threading.Event()
    flush = server_log._LinesFile.flush

    def failing(file: server_log._LinesFile) -> None:
        flushed.set()
        if is_full.is_set():
            raise OSError(28, "No space left on device")
        flush(file)

    monkeypatch.setattr(server_log._LinesFile, "flush", failing)
    with logging_to_files(settings):
        is_full.set()
        _log.info("while it is full")
        flushed.clear()
        assert flushed.wait(10)
        is_full.clear()
        _log.info("and after")
    assert [line["message"] for line in lines_of(server_log_file(settings))] == [
        "while it is full",
        "and after",
    ]


def test_the_output_of_a_living_process_is_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "worker-0.log"
    with path.open("ab") as output:
        talker = subprocess.Popen(
            [sys.executable, "-c", "for _ in iter(input, 'end'): print('x' * 99, flush=True)"],
            stdin=subprocess.PIPE,
            stdout=output,
            text=True,
        )
    assert talker.stdin is not None

    def talk(times: int) -> None:
        size = path.stat().st_size
        talker.stdin.write("go\n" * times)  # type: ignore[union-attr]
        talker.stdin.flush()  # type: ignore[union-attr]
        while path.stat().st_size < size + 100 * times:
            pass

    try:
        for number in range(1, 5):
            talk(number)
            rotate_output(path, 50, 3)
            assert path.stat().st_size == 0
        talk(1)
        rotate_output(path, 1000, 3)  # small enough to stay
    finally:
        talker.communicate("end\n", timeout=10)
    sizes = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert sizes == {"worker-0.log": 100, "worker-0.log.1": 400, "worker-0.log.2": 300, "worker-0.log.3": 200}


def test_a_log_that_cannot_be_rotated_is_only_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rotate_output(tmp_path / "absent.log", 10, 3)
    assert "cannot rotate" in caplog.text
