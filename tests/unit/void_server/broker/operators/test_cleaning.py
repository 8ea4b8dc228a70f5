from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.void_server.broker.jobs.test_store import new_job
from void_protocol.messages import JobState
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import Store
from void_server.broker.operators import cleaning
from void_server.settings import ServerSettings

DAY_S = 86_400.0


class House:
    """A home with things of known ages in it."""

    def __init__(self, home: Path) -> None:
        self.settings = ServerSettings(home=home, cache_folder=home / "cache", cache_bytes=3000)
        home.mkdir()
        self.store = Store(home / "jobs.sqlite")
        self.spool = Spool(home)

    def add_job(self, job_id: str, state: JobState, days: float, results: int = 0, inputs: int = 0) -> None:
        self.store.add_job(new_job(job_id), JobState.QUEUED)
        steps = [JobState.RUNNING, JobState.CANCELLING, state]
        for step in steps if state is JobState.CANCELLED else dict.fromkeys((JobState.RUNNING, state)):
            self.store.set_state(job_id, step)
        self.store.database.write(
            "UPDATE jobs SET finished_at=? WHERE job_id=?", time.time() - days * DAY_S, job_id
        )
        folder = self.spool.folder(job_id)
        self.put(folder / "log.txt", 10)
        if results:
            self.put(folder / "result" / "result.0001001.exr", results)
        if inputs:
            self.put(folder / "inputs" / "plate" / "plate.0001001.exr", inputs)

    def put(self, path: Path, size: int, days: float = 0.0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        at = time.time() - days * DAY_S
        os.utime(path, (at, at))
        os.utime(path.parent, (at, at))
        return path

    def find(self, days: float | None = None) -> list[cleaning.Find]:
        return cleaning.find(self.settings, self.spool, cleaning.ask(self.store, self.settings, days), days)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "home")
    yield made
    made.store.commit()
    made.store.close()


def kinds(found: list[cleaning.Find]) -> list[tuple[str, str]]:
    return sorted((each.item.kind, each.item.what) for each in found)


def fill(house: House) -> None:
    house.add_job("old", JobState.DONE, days=40, results=100)
    house.add_job("week", JobState.FAILED, days=8, results=500, inputs=70)
    house.add_job("new", JobState.CANCELLED, days=0, results=100)
    house.add_job("running", JobState.RUNNING, days=100, results=100, inputs=100)
    house.put(house.settings.home / "jobs" / "lost-1234" / "inputs.exr", 20, days=1)
    os.utime(house.settings.home / "jobs" / "lost-1234", (0, time.time() - DAY_S))
    house.put(house.settings.home / "jobs" / "begun-1234" / "x", 20)
    house.put(house.settings.log_folder / "server.jsonl", 20, days=90)
    house.put(house.settings.log_folder / "server.jsonl.2", 20, days=31)
    house.put(house.settings.log_folder / "worker-0.log.1", 20, days=2)
    house.put(house.settings.caches / "prompts" / "a.safetensors", 100, days=31)
    for number in range(4):
        house.put(house.settings.caches / "prompts" / f"b{number}.safetensors", 1000, days=1 + number)


def test_everything_beyond_its_retention_is_found_and_nothing_else(house: House) -> None:
    fill(house)
    found = house.find()
    assert kinds(found) == [
        ("cache", "cache/prompts/a.safetensors"),
        ("cache", "cache/prompts/b3.safetensors"),  # the least recently used, beyond 3000 bytes
        ("inputs", "week"),
        ("job", "old"),
        ("log", "logs/server.jsonl.2"),
        ("orphan", "jobs/lost-1234"),
        ("results", "week"),
    ]
    sizes = [each.item.size_bytes for each in found]
    assert sizes == sorted(sizes, reverse=True)
    why = {each.item.what: each.item.why for each in found}
    assert why["old"] == "ended 40.0 days ago; jobs are kept 30 days (job_days)"
    assert "(cache_bytes)" in why["cache/prompts/b3.safetensors"]


def test_looking_touches_nothing(house: House) -> None:
    fill(house)
    before = sorted(house.settings.home.rglob("*"))
    house.find()
    house.find(days=0.0)
    assert sorted(house.settings.home.rglob("*")) == before


def test_what_is_deleted_is_gone_and_the_rest_is_there(house: House) -> None:
    fill(house)
    found = house.find()
    cleaning.forget(house.store, found)
    assert cleaning.delete(found) == []
    assert house.find() == []
    assert house.store.state("old") is None
    assert not house.spool.folder("old").exists()
    assert house.store.state("week") is JobState.FAILED
    assert [path.name for path in house.spool.folder("week").iterdir()] == ["log.txt"]
    for job_id in ("new", "running"):
        assert len(list(house.spool.folder(job_id).rglob("*.exr"))) >= 1
    assert (house.settings.log_folder / "server.jsonl").exists()
    assert len(list(house.settings.caches.rglob("*.safetensors"))) == 3


def test_an_age_for_everything(house: House) -> None:
    fill(house)
    found = {what: kind for kind, what in kinds(house.find(days=5.0))}
    assert found["week"] == "job"
    assert "new" not in found
    everything = kinds(house.find(days=0.0))
    assert ("job", "new") in everything
    assert all(what != "running" for _, what in everything)
    assert ("log", "logs/server.jsonl") not in everything


def test_released_results_are_no_longer_looked_for(house: House) -> None:
    house.add_job("week", JobState.DONE, days=8, results=500)
    house.store.set_released("week")
    assert house.find() == []


def test_a_cache_in_use_is_kept_even_when_it_is_too_large(house: House) -> None:
    for number in range(5):
        house.put(house.settings.caches / f"{number}", 1000)
    assert house.find() == []


def test_what_cannot_be_deleted_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(house)
    found = house.find()

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", refuse)
    problems = cleaning.delete(found)
    assert len(problems) == 4
    assert all("Permission denied" in problem for problem in problems)


def test_a_link_out_of_the_home_is_not_followed(house: House, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "plate.exr").write_bytes(b"x")
    link = house.settings.home / "jobs" / "link-1"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(precious, target_is_directory=True)
    os.utime(link, (0, 0), follow_symlinks=False)
    found = house.find()
    assert kinds(found) == [("orphan", "jobs/link-1")]
    assert cleaning.delete(found) == []
    assert not link.is_symlink()
    assert (precious / "plate.exr").exists()


def test_a_sweep_asks_the_store_for_little(house: House) -> None:
    fill(house)
    facts = cleaning.ask(house.store, house.settings, with_orphans=False)
    assert {job.job_id for job in facts.final} == {"old", "week"}
    found = cleaning.find(house.settings, house.spool, facts)
    assert "orphan" not in {each.item.kind for each in found}
    assert {"job", "results", "inputs", "log", "cache"} == {each.item.kind for each in found}


def test_a_long_report_is_cut_and_the_sums_are_not(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(house)
    monkeypatch.setattr(cleaning, "_LISTED", 2)
    found = house.find()
    report = cleaning.report(7, found, applied=False)
    assert (len(report.items), report.count, report.applied) == (2, 7, False)
    assert report.size_bytes == sum(each.item.size_bytes for each in found)
