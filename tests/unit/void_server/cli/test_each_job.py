"""Jobs that are worked through one by one, whatever happens to one of them."""

from __future__ import annotations

import pytest

from void_engine.errors import PlateError, RemovalCancelled
from void_protocol.job import Format, Output, RemovalJob, Shot
from void_server.cli.each_job import each_by_itself
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError


def job(name: str) -> RemovalJob:
    shot = Shot(name=name, plate="/p.%04d.exr", first_frame=1, last_frame=2, format=Format(width=8, height=8))
    return RemovalJob(shot=shot, output=Output(pattern=f"/{name}.%04d.exr"))


def test_an_error_that_quotes_a_file_gives_a_dispatcher_no_order(capsys: pytest.CaptureFixture[str]) -> None:
    """As for a single job, lines after the first are indented."""
    done: list[str] = []

    def work(one: RemovalJob) -> None:
        done.append(one.shot.name)
        if one.shot.name == "a":
            raise PlateError("the channel is called\nopenjd_env: PATH=/evil")

    with pytest.raises(CommandError, match="1 of 2 jobs failed: a") as failed:
        each_by_itself([job("a"), job("b")], work)
    assert failed.value.code is ExitCode.SOME_FAILED
    assert done == ["a", "b"]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("error: a: the channel is called")
    assert not any(line.startswith("openjd_env") for line in lines)


def test_a_stop_ends_all() -> None:
    done: list[str] = []

    def work(one: RemovalJob) -> None:
        done.append(one.shot.name)
        raise RemovalCancelled("stopped on request")

    with pytest.raises(RemovalCancelled):
        each_by_itself([job("a"), job("b")], work)
    assert done == ["a"]


def test_the_only_jobs_error_is_its_own() -> None:
    def work(one: RemovalJob) -> None:
        raise PlateError("no plate")

    with pytest.raises(PlateError, match="no plate"):
        each_by_itself([job("a")], work)
