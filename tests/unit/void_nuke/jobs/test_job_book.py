"""The removals of the open script and what the script keeps of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.still_session import job_of
from void_nuke.jobs.job_book import JobBook
from void_nuke.jobs.script_notes import decode_notes
from void_nuke.jobs.tracked_job import Phase


class NotingHost:
    """A script with notes; what is posted runs at once."""

    def __init__(self) -> None:
        self.text = ""

    def notes(self) -> str:
        return self.text

    def keep_notes(self, text: str) -> None:
        self.text = text

    def post(self, function: Any) -> None:
        function()


@pytest.fixture
def host() -> NotingHost:
    return NotingHost()


@pytest.fixture
def book(host: NotingHost) -> JobBook:
    return JobBook(host, None)  # type: ignore[arg-type]


def test_a_job_is_kept_from_its_submission_on(book: JobBook, host: NotingHost) -> None:
    job = job_of("a", Phase.EXPORTING)
    book.add(job)
    book.keep("a", export_folder="/tmp/exported")
    assert book.record("a") is None
    book.remember(job.record)
    book.keep("a", export_folder="/tmp/exported")
    book.save()
    assert decode_notes(host.text) == [book.record("a")]
    kept = book.record("a")
    assert kept is not None
    assert kept.export_folder == "/tmp/exported"


def test_what_is_heard_of_a_job_is_kept_with_it(book: JobBook, host: NotingHost) -> None:
    job = job_of("a", Phase.RUNNING, engine="auto")
    book.add(job)
    book.remember(job.record)
    book.update("a", engine="propagation", read_node="Read7", one_more_frame=True)
    book.save()
    (kept,) = decode_notes(host.text)
    assert (kept.engine, kept.read_node, book.job("a").frames_done) == ("propagation", "Read7", 1)


def test_a_job_of_another_script_is_not_noted_in_this_one(book: JobBook, host: NotingHost) -> None:
    exporting = job_of("a", Phase.EXPORTING)
    book.add(exporting)
    _, lost = book.open_script()
    assert lost == ["a"]
    book.remember(exporting.record)
    assert decode_notes(host.text) == []
    assert book.jobs == []


def test_opening_the_script_again_keeps_what_is_heard_now(book: JobBook) -> None:
    job = job_of("a", Phase.RUNNING, frames_done=7)
    book.add(job)
    book.remember(job.record)
    book.open_script()
    assert (book.job("a").phase, book.job("a").frames_done) == (Phase.RUNNING, 7)
