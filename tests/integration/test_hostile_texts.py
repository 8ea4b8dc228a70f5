"""Every way by which a text of somebody else comes to a terminal, a log or a panel, with texts that attack.

Names, paths, reasons and greetings come from a client; channel, part and attribute names from its files. What
shows them (commands, logs, the console, the panel) must show them as they read.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its documentation has this name
import pytest

from tests.integration.command_case import edit, void, write_shot
from tests.integration.server_case import Stranger, wait_until
from void_nuke.jobs.tracked_job import Phase
from void_nuke.panel import job_text
from void_protocol.client import Client
from void_protocol.job_file import read_job
from void_protocol.messages import JobInfo
from void_protocol.printable import printable_html, printable_on_node
from void_server.operation.server_process import ServerProcess
from void_server.settings import ServerSettings

MARKUP = "sh[/][link=file:///etc/passwd][red]<b>:smile:"
HIDDEN = "\u202egnp\u2066\u200b"
"""Format characters, which a name may have: some scripts need them."""
NAME = f"{MARKUP}{HIDDEN}"
SHOWN = f"{MARKUP}\\u202egnp\\u2066\\u200b"
ORDERS = "\x1b]0;owned\x1b\\\x9b2J\x85\u2028\r"
"""What a terminal, or a program that reads lines, obeys. A file may have it; a name in a message may not."""
FORGED = "\n2026-01-31T23:59:59+00:00 done\nopenjd_env: LD_PRELOAD=x"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    home = tmp_path_factory.mktemp("home")
    with ServerProcess(ServerSettings(home=home, endpoint="tcp://127.0.0.1:0")) as running:
        yield running


@pytest.fixture(scope="module")
def jobs(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One job for each place that a text can come from, by that place; all of them have ended."""
    folder = tmp_path_factory.mktemp("jobs")
    plate = write_shot(folder / "shot")
    hostile = hostile_files(folder / "files")
    edits: dict[str, dict[tuple[str | int, ...], Any]] = {
        "name": {("shot", "name"): NAME},
        "layer": {("shot", "layer"): NAME},
        "view": {("shot", "view"): NAME},
        "colour space": {("shot", "colour_space"): NAME},
        "channel": {("mattes", 0, "channel"): NAME},
        "prompt": {("settings", "prompt"): NAME + ORDERS + FORGED},
        "output": {("output", "pattern"): str(folder / NAME.replace("/", "") / "r.%04d.exr")},
        "names in the file": {("shot", "plate"): hostile, ("shot", "name"): NAME},
        "names in the matte's file": {("mattes", 0, "pattern"): hostile, ("mattes", 0, "channel"): "none"},
    }
    found = {}
    for number, (place, changes) in enumerate(edits.items()):
        job = folder / f"job{number}.json"
        ran = void(
            "new", job, "--plate", plate, "--remove", f"{plate}:matte.A", "--engine", "identity",
            "--output", folder / f"out{number}" / "r.%04d.exr",
        )  # fmt: skip
        assert ran.code == 0, ran.err
        (folder / f"out{number}").mkdir()
        for path, value in changes.items():
            edit(job, *path, value=value)
        clean(void("submit", job, "--home", server.settings.home, "--transfer", "streamed"))
        found[place] = read_job(job).job_id
    return found


def hostile_files(folder: Path) -> str:
    """EXR files of two parts whose channels, parts and attributes have hostile names and values."""
    folder.mkdir()
    bad = ORDERS + FORGED
    for number in (1001, 1002, 1003):
        specs = []
        for part in ("rgb", f"part{bad}"):
            spec = oiio.ImageSpec(96, 64, 4, "half")
            spec.channelnames = ("R", "G", "B", f"lay{bad}.A") if part == "rgb" else tuple("XYZW")
            spec.attribute("oiio:subimagename", part)
            spec.attribute(f"note{bad}", f"value{bad}")
            spec.attribute("Software", f"value{bad}")
            specs.append(spec)
        out = oiio.ImageOutput.create("exr")
        assert out.open(str(folder / f"p.{number}.exr"), specs), out.geterror()
        for index, spec in enumerate(specs):
            assert not index or out.open(str(folder / f"p.{number}.exr"), spec, "AppendSubimage")
            assert out.write_image(np.full((64, 96, 4), 0.5, np.float16))
        out.close()
    return str(folder / "p.%04d.exr")


def hidden_in(text: str) -> list[str]:
    """Characters that a terminal or an editor obeys instead of showing them."""
    obeyed = ("Cc", "Cf", "Zl", "Zp", "Cs")
    return sorted({each for each in text if each not in "\n\t" and unicodedata.category(each) in obeyed})


def clean(ran: Any) -> str:
    """All that a command printed, after a look that it is fit to be shown and that nothing broke."""
    for said in (ran.out, ran.err):
        assert hidden_in(said) == [], said
        assert "defect of void" not in said
        assert not [line for line in said.split("\n") if line.startswith(("openjd_", "2026-01-31"))], said
    return str(ran.out + ran.err)


def infos(server: ServerProcess) -> list[JobInfo]:
    with Client(server.connection()) as client:
        return client.jobs(limit=250).result()


def test_the_texts_arrive_as_they_are(server: ServerProcess, jobs: dict[str, str]) -> None:
    """Programs get what was said; it is for whoever shows it to make it printable."""
    by_id = {info.job_id: info for info in infos(server)}
    assert by_id[jobs["name"]].name == NAME
    assert MARKUP in by_id[jobs["channel"]].message
    assert set(jobs.values()) <= set(by_id)


def test_what_the_server_says_of_its_own_files_tells_not_where_they_are(
    server: ServerProcess, jobs: dict[str, str]
) -> None:
    where = str(server.settings.home)
    message = next(info.message for info in infos(server) if info.job_id == jobs["names in the matte's file"])
    assert message.startswith("inputs/matte.0/matte.0.0001001.exr: ")
    said = clean(void("jobs", "--json", "--home", where))
    said += "".join(clean(void("logs", job_id, "--home", where)) for job_id in jobs.values())
    assert where not in said


@pytest.mark.parametrize(
    "command", ["jobs", "status", "status --health", "clean --days 0", "engines", "keys list"]
)
def test_tables_show_them(server: ServerProcess, jobs: dict[str, str], command: str) -> None:
    said = clean(
        void(*command.split(), "--home", server.settings.home) if "engines" not in command else void(command)
    )
    if command == "jobs":
        assert SHOWN in said
        assert all(job_id in said for job_id in jobs.values())


@pytest.mark.parametrize("command", ["jobs", "status", "clean --days 0"])
def test_json_means_them(server: ServerProcess, jobs: dict[str, str], command: str) -> None:
    said = clean(void(*command.split(), "--json", "--home", server.settings.home))
    told = json.loads(said)
    if command == "jobs":
        assert NAME in {info["name"] for info in told}


@pytest.mark.parametrize(
    "command", ["status", "watch", "logs", "logs --follow", "fetch", "cancel", "priority"]
)
def test_commands_about_one_job_show_them(
    server: ServerProcess, jobs: dict[str, str], command: str, tmp_path: Path
) -> None:
    first, *others = command.split()
    # Where a text comes from differs in what the job says, so the commands that say all of it see every job.
    tells_all = first in ("status", "logs") and not others
    for place, job_id in jobs.items():
        if not tells_all and place not in ("name", "names in the matte's file"):
            continue
        others = command.split()[1:]
        if first == "priority":
            others.append("0")
        if first == "fetch":
            others += ["--output", str(tmp_path / job_id / "r.%04d.exr")]
        said = clean(void(first, job_id, *others, "--home", server.settings.home))
        if place == "name" and first in ("status", "watch", "fetch"):
            assert SHOWN in said
        if first == "logs" and place == "names in the matte's file":
            told = void(first, job_id, "--json", *others, "--home", server.settings.home).out
            assert all(json.loads(line)["time"].endswith("+00:00") for line in told.splitlines())


def test_reasons_and_a_paused_queue_show_them(server: ServerProcess, jobs: dict[str, str]) -> None:
    home = server.settings.home
    clean(void("pause", "--reason", NAME, "--home", home))
    try:
        for words in (["status"], ["status", "--json"], ["status", "--health"]):
            said = clean(void(*words, "--home", home))
            assert "--json" in words or SHOWN in said
        clean(void("drain", "--reason", NAME, "--home", home))
    finally:
        clean(void("resume", "--home", home))


def test_lines_of_their_own_are_refused_where_they_come_in(server: ServerProcess) -> None:
    """A reason, a greeting, a path or a name stands on one line."""
    with Stranger(server.connection()) as stranger:
        for order in "\x00\n\r\x1b\x7f\x85\x9b\u2028\u2029":
            refused = stranger.ask(type="hello", request=1, min_version=1, max_version=1, client=f"a{order}")
            assert refused["code"] == "bad_message", repr(order)
        stranger.ask(type="hello", request=1, min_version=1, max_version=1, client=NAME, user=NAME, host=NAME)
        for order in "\n\x85\u2028\x1b":
            told = [
                stranger.ask(type="pause", request=2, reason=f"lunch{order}"),
                stranger.ask(type="drain", request=3, reason=f"lunch{order}"),
                stranger.ask(
                    type="prove",
                    request=4,
                    nonce="0" * 64,
                    files=[{"path": f"/tmp/a{order}.exr", "ranges": []}],
                ),
            ]
            assert [each["code"] for each in told] == ["bad_message"] * 3, repr(order)
            assert all(hidden_in(each["message"]) == [] for each in told)


def test_a_job_with_them_is_refused_in_printable_words(server: ServerProcess, tmp_path: Path) -> None:
    plate = write_shot(tmp_path / "shot")
    job = tmp_path / "job.json"
    for path, value in (
        (("shot", "name"), "a" + ORDERS),
        (("shot", "plate"), plate + ORDERS),
        (("mattes", 0, "channel"), "a\u2028b"),
        (("settings", "engine_options"), {NAME: 1}),
        (("settings", "engine_options"), {"a" + ORDERS: 1}),
        (("settings", "engine"), "x[/]"),
        (("output", "pattern"), NAME),
        (("no" + ORDERS,), 1),
    ):
        void(
            "new", job, "--plate", plate, "--remove", f"{plate}:matte.A", "--output", tmp_path / "o.%04d.exr"
        )
        edit(job, *path, value=value)
        ran = void("submit", job, "--home", server.settings.home)
        assert ran.code != 0, path
        clean(ran)


def test_logs_and_the_console_hold_none(server: ServerProcess, jobs: dict[str, str]) -> None:
    home = server.settings.home
    kept = [path for path in home.rglob("*") if path.is_file() and path.suffix in (".log", ".jsonl", ".txt")]
    assert {path.name for path in kept} >= {"server.jsonl", "server.log", "log.txt"}
    for path in kept:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        assert hidden_in(text) == [], (path, hidden_in(text))
        assert not [line for line in text.split("\n") if line.startswith(("2026-01-31", "openjd_"))]
    wait_until(
        lambda: (
            "owned" in "".join(path.read_text(encoding="utf-8") for path in kept if path.name == "log.txt")
        )
    )


def test_the_panel_shows_them(server: ServerProcess, jobs: dict[str, str]) -> None:
    from tests.fakes.still_session import job_of

    for info in infos(server):
        for phase in (Phase.FAILED, Phase.RUNNING, Phase.UPLOADING, Phase.DONE):
            job = job_of(info.job_id, phase, info=info, message=info.message, engine=info.name)
            for text in (job_text.title(job), job_text.status_line(job)):
                assert hidden_in(text) == []
                assert "<b>" not in printable_html(text)
                assert not set("[]<>") & set(printable_on_node(text))
