from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from void_protocol.mailbox import Mailbox
from void_server.broker.jobs.job_log import JobLogs, read_log
from void_server.broker.keyed_threads import KeyedThreads


@pytest.fixture
def threads() -> Iterator[KeyedThreads]:
    mailbox: Mailbox[Callable[[], None]] = Mailbox()
    made = KeyedThreads(mailbox, 2)
    yield made
    made.close()
    mailbox.close()


FIRST = 60.0, "job a was accepted"
HEAD = "1970-01-01T00:01:00+00:00 job a was accepted\n"


def logs_in(folder: Path, threads: KeyedThreads, most_bytes: int = 10_000) -> JobLogs:
    return JobLogs(lambda job_id: folder / job_id / "log.txt", most_bytes, threads, lambda job_id: FIRST)


def written(folder: Path, threads: KeyedThreads) -> bytes:
    """The log once the threads have done what they were given."""
    done: Future[None] = Future()
    threads.do("a", lambda: done.set_result(None))
    done.result(5)
    return read_log(folder / "a" / "log.txt", 0, 10**6)[0]


def test_lines_are_dated_and_read_in_pieces(tmp_path: Path, threads: KeyedThreads) -> None:
    logs, file = logs_in(tmp_path, threads), tmp_path / "a" / "log.txt"
    assert read_log(file, 0, 100) == (b"", 0)
    offset, first = logs.append("a", "one\ntwo")
    assert offset == len(HEAD)  # which nobody asked for
    assert [line.split(" ", 1)[1] for line in first.splitlines()] == ["one", "  two"]
    assert abs(datetime.fromisoformat(first[:25]).timestamp() - time.time()) < 5
    offset, second = logs.append("a", "drei ü \udcff")
    assert offset == len(HEAD + first)
    assert second.endswith("drei ü \\udcff\n")
    logs.flush()
    assert written(tmp_path, threads).decode() == HEAD + first + second
    text, size = read_log(file, offset, 1000)
    assert (text.decode(), size) == (second, offset + len(text))
    assert read_log(file, 0, 5) == (HEAD[:5].encode(), size)
    assert read_log(file, 10**9, 5) == (b"", size)


def test_a_quoted_text_is_no_entry_of_its_own(tmp_path: Path, threads: KeyedThreads) -> None:
    logs = logs_in(tmp_path, threads)
    dated = "2026-01-31T23:59:59+00:00 done"
    ends = ("\n", "\r\n", "\r", "\x85", "\u2028", "\x0b", "\x0c", "\x1c")
    for forged, end in product((dated, "done"), ends):
        _, text = logs.append("a", f"no channel {end}{forged}{end}")
        assert all(datetime.fromisoformat(line[:25]) for line in text.splitlines())
        assert [line[26:] for line in text.splitlines()].count("done") == 0, repr(end)
        assert not any(line.startswith(forged) for line in text.splitlines()), repr(end)


def test_what_is_read_has_everything_said_before(tmp_path: Path, threads: KeyedThreads) -> None:
    logs = logs_in(tmp_path, threads)
    found: Future[Any] = Future()
    for number in range(50):
        logs.append("a", f"line {number}")
    logs._threads.run = lambda key, work, then: threads.do(key, lambda: found.set_result(work()))  # type: ignore[method-assign, assignment]
    logs.read("a", 0, 10**6, lambda done: None)
    text, size = found.result(5)
    assert text.count(b"\n") == 1 + 50
    assert size == len(text)


def test_a_log_begins_when_it_is_first_written_or_read(tmp_path: Path, threads: KeyedThreads) -> None:
    logs, found = logs_in(tmp_path, threads), Future[Any]()
    logs.flush()
    assert written(tmp_path, threads) == b""
    logs._threads.run = lambda key, work, then: threads.do(key, lambda: found.set_result(work()))  # type: ignore[method-assign, assignment]
    logs.read("a", 0, 10**6, lambda done: None)
    assert found.result(5) == (HEAD.encode(), len(HEAD))
    logs_in(tmp_path, threads).append("a", "x")  # and only once, also after a restart
    assert written(tmp_path, threads) == HEAD.encode()


def test_a_log_goes_on_after_a_restart(tmp_path: Path, threads: KeyedThreads) -> None:
    logs = logs_in(tmp_path, threads)
    logs.append("a", "before")
    logs.close()
    _, text = logs_in(tmp_path, threads).append("a", "x")
    offset, _ = logs_in(tmp_path, threads).append("a", "after")
    assert offset == len(HEAD) + len(text) - 1 + len("before")


def test_a_full_log_says_so_and_stays_full(tmp_path: Path, threads: KeyedThreads) -> None:
    logs = logs_in(tmp_path, threads, 200)
    logs.append("a", "x" * 100)
    _, last = logs.append("a", "Q" * 100)
    assert "the log is full (200 bytes)" in last
    assert logs.append("a", "z")[1] == ""
    logs.flush()
    text = written(tmp_path, threads)
    assert len(text) <= 300
    assert b"Q" not in text
    assert logs_in(tmp_path, threads, 200).append("a", "z")[1] == ""  # after a restart too


def test_a_log_that_cannot_be_written_stops_nothing(
    tmp_path: Path, threads: KeyedThreads, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a").write_text("not a folder")
    logs = logs_in(tmp_path, threads)
    logs.append("a", "x")
    logs.close()
    assert "cannot write the job log" in caplog.text


def test_only_so_many_sizes_are_kept(
    tmp_path: Path, threads: KeyedThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("void_server.broker.jobs.job_log._KNOWN_LOGS", 10)
    logs = logs_in(tmp_path, threads)
    for number in range(100):
        logs.append(f"job{number}", "x")
    assert len(logs._sizes) == 10
    logs.forget("job99")
    assert len(logs._sizes) == 9
