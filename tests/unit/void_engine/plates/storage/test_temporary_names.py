"""Whose temporary files are whose, and which may be deleted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from void_engine.plates.exr.file import remove_temporaries
from void_engine.plates.storage import temporary_names
from void_engine.plates.storage.temporary_names import ABANDONED_S, is_abandoned, temporary_name


@pytest.fixture
def other_process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A living process, and a temporary name that it has made for ``a.exr``."""
    code = (
        "from void_engine.plates.storage.temporary_names import temporary_name\n"
        "print(temporary_name('a.exr'), flush=True)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def test_a_living_writer_keeps_its_file_and_a_dead_one_does_not(
    other_process: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, name = other_process
    mine = temporary_name("a.exr")
    for entry in (name, mine):
        (tmp_path / entry).write_bytes(b"")
    remove_temporaries([tmp_path / "a.exr"])
    assert {entry.name for entry in tmp_path.iterdir()} == {name, mine}
    process.kill()
    process.wait()
    remove_temporaries([tmp_path / "a.exr"])
    assert [entry.name for entry in tmp_path.iterdir()] == [mine]


def test_a_number_that_another_process_has_by_now_is_not_the_writer() -> None:
    pid = os.getpid()
    entry = temporary_name("a.exr")
    assert not is_abandoned(entry, ["a.exr"], time.time())
    earlier = entry.replace(f"-{pid}-1", f"-{pid}-0")  # the process of this number began long ago
    assert is_abandoned(earlier, ["a.exr"], time.time())


@pytest.mark.parametrize(("age_s", "gone"), [(0, False), (ABANDONED_S - 60, False), (ABANDONED_S + 60, True)])
def test_another_machines_file_is_judged_by_its_age(
    monkeypatch: pytest.MonkeyPatch, age_s: float, gone: bool
) -> None:
    entry = temporary_name("a.exr")
    monkeypatch.setattr(temporary_names, "_machine", lambda: "0123abcd")
    assert is_abandoned(entry, ["a.exr"], time.time() - age_s) is gone


@pytest.mark.parametrize(
    "name", ["a.exr", "a.exr.part", "x" * 245 + ".exr", "ä" * 120 + ".exr", "a~b.0123abcd.exr"]
)
def test_every_name_fits_and_is_known_again(name: str) -> None:
    for suffix in ("", ".raw.exr"):
        entry = temporary_name(name, suffix)
        assert len(os.fsencode(entry)) <= 255
        earlier = entry.replace(f"-{os.getpid()}-1", f"-{os.getpid()}-0")
        assert is_abandoned(entry, [name], 0.0) is False
        assert is_abandoned(earlier, ["other.exr", name], time.time()) is True
        assert is_abandoned(earlier, ["other.exr", "b" + name], time.time()) is False


@pytest.mark.parametrize(
    "entry", ["a.exr", ".a.exr", ".a.exr.part", "a.exr.0123abcd.part", ".a.exr.0123abcx.part"]
)
def test_other_files_are_left_alone(entry: str) -> None:
    assert not is_abandoned(entry, ["a.exr"], 0.0)


def test_what_an_earlier_release_left_goes() -> None:
    assert is_abandoned(".a.exr.0123abcd.part", ["a.exr"], time.time())
    assert is_abandoned(".a.exr.0123abcd.part.raw.exr", ["a.exr"], time.time())
