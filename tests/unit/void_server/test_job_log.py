from __future__ import annotations

from pathlib import Path

from void_server.job_log import JobLog


def test_lines_are_dated_and_read_in_pieces(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "log.txt", 10_000)
    assert log.read(0, 100) == (b"", 0)
    offset, first = log.append("one\ntwo")
    assert offset == 0
    assert [line.split(" ", 2)[2] for line in first.splitlines()] == ["one", "two"]
    offset, second = log.append("drei ü \udcff")
    assert offset == len(first.encode())
    assert second.endswith("drei ü ?\n")
    text, size = log.read(offset, 1000)
    assert text.decode() == second
    assert size == offset + len(text)
    assert log.read(0, 5) == (first[:5].encode(), size)
    assert log.read(10**9, 5) == (b"", size)


def test_a_full_log_says_so_and_stays_full(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "log.txt", 200)
    log.append("x" * 100)
    _, last = log.append("Q" * 100)
    assert "the log is full (200 bytes)" in last
    assert log.append("z")[1] == ""
    assert (tmp_path / "log.txt").stat().st_size <= 300
    assert "Q" not in (tmp_path / "log.txt").read_text()


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    assert JobLog(tmp_path / "no" / "log.txt", 100).append("x") == (0, "")
