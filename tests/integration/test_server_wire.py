"""What a client in another language meets: the protocol as its document tells it, and every refusal."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.server_case import FIRST, MAGIC, Stranger, job_for, server_for, wait_until, write_shot
from void_protocol.job_file import encode_job
from void_protocol.manifest import input_files
from void_server.broker.jobs.spool import Spool
from void_server.operation.server_process import ServerProcess

CHUNK = 1_048_576


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    home = tmp_path_factory.mktemp("home")
    # Slow heartbeats: the strangers here keep none.
    with server_for(home, heartbeat_s=20.0, fetches=2, file_bytes=4_000_000) as running:
        yield running


@pytest.fixture
def stranger(server: ServerProcess) -> Iterator[Stranger]:
    with Stranger(server.connection()) as connected:
        connected.hello()
        yield connected


class Sending:
    """A job with its files as a stranger would hold them."""

    def __init__(self, folder: Path, frames: int = 2, prompt: str = "", size: int = 1_500_000) -> None:
        shot = write_shot(folder / "shot", frames=frames, size=size)
        self.job = job_for(shot, folder / "out", frames=frames, prompt=prompt)
        self.job_id = self.job.job_id
        self.text = encode_job(self.job)
        self.files = [(each.group, each.frame, each.path.read_bytes()) for each in input_files(self.job)]

    @property
    def manifest(self) -> bytes:
        return json.dumps([[group, frame, len(data)] for group, frame, data in self.files]).encode()

    def submit(self, stranger: Stranger, request: int = 10) -> dict[str, Any]:
        return stranger.ask(
            self.text, self.manifest, type="submit", request=request, inputs="streamed", outputs="streamed"
        )

    def chunks(self, file: int) -> list[tuple[int, bytes, bool]]:
        data = self.files[file][2]
        return [
            (offset, data[offset : offset + CHUNK], offset + CHUNK >= len(data))
            for offset in range(0, len(data), CHUNK)
        ]

    def send_file(self, stranger: Stranger, file: int, sha256: str | None = None) -> None:
        digest = sha256 or hashlib.sha256(self.files[file][2]).hexdigest()
        for offset, data, last in self.chunks(file):
            self.send_chunk(stranger, file, offset, data, last=last, sha256=digest if last else "")

    def send_chunk(self, stranger: Stranger, file: int, offset: int, data: bytes, **more: Any) -> None:
        stranger.say(data, type="chunk", job_id=self.job_id, file=file, offset=offset, **more)

    def run(self, stranger: Stranger) -> None:
        """Submit, send and wait for the end."""
        assert self.submit(stranger)["type"] == "accepted"
        reply = stranger.ask(type="watch", request=11, job_id=self.job_id, after=0)
        assert reply["type"] == "job"
        for file in range(len(self.files)):
            self.send_file(stranger, file)
        while stranger.hear_of("state")[0]["state"] != "done":
            pass


def test_a_stranger_gets_a_job_done(stranger: Stranger, tmp_path: Path) -> None:
    sending = Sending(tmp_path)
    accepted = sending.submit(stranger)
    assert (accepted["type"], accepted["job"]["state"], accepted["credit"]) == ("accepted", "uploading", 8)
    credit = accepted["credit"]
    watching = stranger.ask(type="watch", request=11, job_id=sending.job_id, after=0)
    assert (watching["type"], watching["gap"]) == ("job", False)
    stored = []
    for file in range(4):
        sending.send_file(stranger, file)
        credit -= len(sending.chunks(file))
        while not stored or stored[-1] != file:
            message, _ = stranger.hear_of("upload_credit", "file_stored")
            if message["type"] == "upload_credit":
                credit += message["chunks"]
            else:
                stored.append(message["file"])
    assert stored == [0, 1, 2, 3]
    states, frames, sequences = [], [], [0]
    while not states or states[-1] != "done":
        event, _ = stranger.hear_of("state", "frame")
        sequences.append(event["sequence"])
        if event["type"] == "state":
            states.append(event["state"])
        else:
            frames.append((event["frame"], event["sha256"]))
    assert states == ["queued", "running", "done"]
    assert sequences == sorted(set(sequences))
    assert [frame for frame, _ in frames] == [FIRST, FIRST + 1]

    stranger.say(type="fetch", request=20, job_id=sending.job_id, frame=FIRST, credit=1)
    data, (first,) = stranger.hear_of("data")
    assert (data["offset"], data["size"], data["last"], len(first)) == (0, 1_500_000, False, CHUNK)
    assert stranger.is_silent()  # no more than was asked for
    stranger.say(type="fetch_credit", request=20, chunks=1)
    data, (rest,) = stranger.hear_of("data")
    assert (data["offset"], data["last"]) == (CHUNK, True)
    assert data["sha256"] == hashlib.sha256(first + rest).hexdigest() == frames[0][1]
    assert first + rest == sending.files[0][2]


def test_no_common_version(server: ServerProcess) -> None:
    with Stranger(server.connection()) as stranger:
        refusal = stranger.ask(type="hello", request=1, min_version=2, max_version=9)
        assert (refusal["type"], refusal["code"]) == ("error", "version")
        assert "speaks protocol version 1, the client 2 to 9" in refusal["message"]
        assert stranger.ask(type="hello", request=2, min_version=1, max_version=9)["version"] == 1


def test_nothing_works_before_hello(server: ServerProcess) -> None:
    with Stranger(server.connection()) as stranger:
        assert stranger.ask(type="ping", request=1)["code"] == "no_session"
        stranger.hello()
        assert stranger.ask(type="ping", request=2) == {"type": "pong", "request": 2}
        stranger.say(type="bye")
        assert stranger.ask(type="ping", request=3)["code"] == "no_session"


BAD_FRAMES: list[tuple[str, list[bytes], str, int | None]] = [
    ("no JSON", [b"\xff\x00"], "bad_message", None),
    ("no object", [b"[1, 2]"], "bad_message", None),
    ("deep JSON", [b"[" * 40_000], "bad_message", None),
    ("deep JSON of many arrays", [b"[" * 100_000], "too_large", None),
    ("no type", [b'{"request": 5}'], "unknown_type", 5),
    ("unknown type", [b'{"type": "sing", "request": 5}'], "unknown_type", 5),
    ("a server's type", [b'{"type": "pong", "request": 5}'], "bad_message", 5),
    ("missing field", [b'{"type": "get_job", "request": 5}'], "bad_message", 5),
    ("wrong type of field", [b'{"type": "cancel", "request": 5, "job_id": 7}'], "bad_message", 5),
    ("job id with a path", [b'{"type": "cancel", "request": 5, "job_id": "../x"}'], "bad_message", 5),
    ("request that is no number", [b'{"type": "ping", "request": "x"}'], "bad_message", None),
    ("payload too many", [b'{"type": "ping", "request": 5}', b"x"], "bad_message", 5),
    ("payload missing", [b'{"type": "chunk", "job_id": "x", "file": 0, "offset": 0}'], "bad_message", None),
    ("many frames", [b'{"type": "ping", "request": 5}', b"", b"", b""], "bad_message", None),
    ("huge control frame", [b'{"type": "ping", "x": "' + bytes(5_000_000)], "too_large", None),
    (
        "huge chunk",
        [b'{"type": "chunk", "job_id": "x", "file": 0, "offset": 0}', bytes(CHUNK + 1)],
        "too_large",
        None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("frames", "code", "request_number"), [case[1:] for case in BAD_FRAMES],
                         ids=[case[0] for case in BAD_FRAMES])  # fmt: skip
def test_bad_messages_are_answered(
    stranger: Stranger, frames: list[bytes], code: str, request_number: int | None
) -> None:
    stranger.socket.send_multipart(frames)
    reply, _ = stranger.hear()
    assert (reply["type"], reply["code"], reply["request"]) == ("error", code, request_number)
    assert reply["message"]
    assert stranger.ask(type="ping", request=6)["type"] == "pong"  # and the service goes on


def test_unknown_fields_are_ignored(stranger: Stranger) -> None:
    assert stranger.ask(type="ping", request=2, mood="good")["type"] == "pong"


def test_a_corrupt_file_is_refused_and_can_be_sent_again(stranger: Stranger, tmp_path: Path) -> None:
    sending = Sending(tmp_path)
    sending.submit(stranger)
    sending.send_file(stranger, 0, sha256=hashlib.sha256(b"other").hexdigest())
    refusal, _ = stranger.hear_of("file_refused", "file_stored")
    assert (refusal["type"], refusal["file"], refusal["code"]) == ("file_refused", 0, "checksum")
    sending.send_file(stranger, 0)
    stored, _ = stranger.hear_of("file_refused", "file_stored")
    assert (stored["type"], stored["file"]) == ("file_stored", 0)


@pytest.mark.parametrize(
    ("file", "offset", "data", "last", "text"),
    [
        (0, 5, b"x", False, "expected the start of a file, got byte 5 of file 0"),
        (9, 0, b"x", False, "there is no file 9"),
        (2, 0, bytes(1235), True, "file 2 has 1235 bytes or more; the manifest says 1234"),
        (2, 0, bytes(1233), True, "file 2 has 1233 bytes or more; the manifest says 1234"),
        (2, 0, b"", False, "an empty chunk of file 2"),
    ],
)
def test_chunks_that_do_not_fit_are_refused(
    stranger: Stranger, tmp_path: Path, file: int, offset: int, data: bytes, last: bool, text: str
) -> None:
    sending = Sending(tmp_path, size=1000)
    credit = sending.submit(stranger)["credit"]
    sending.send_chunk(stranger, file, offset, data, last=last, sha256="0" * 64)
    refusal, _ = stranger.hear()
    assert (refusal["type"], refusal["file"], refusal["code"]) == ("file_refused", file, "bad_chunk")
    assert text in refusal["message"]
    assert stranger.hear()[0] == {"type": "upload_credit", "job_id": sending.job_id, "chunks": 1}
    for index in range(4):  # nothing is spoilt
        sending.send_file(stranger, index)
        assert stranger.hear_of("file_stored", "file_refused")[0]["type"] == "file_stored"
    assert credit == 8


def test_chunks_without_credit_are_refused(stranger: Stranger, tmp_path: Path) -> None:
    sending = Sending(tmp_path, size=40 * 1000)
    sending.submit(stranger)
    for index in range(40):
        sending.send_chunk(stranger, 0, index * 1000, bytes(1000))
    kinds = {stranger.hear_of("upload_credit", "file_refused")[0].get("code") for _ in range(12)}
    assert "limit" in kinds


def test_chunks_of_an_upload_that_is_not_open(stranger: Stranger) -> None:
    stranger.say(b"x", type="chunk", job_id="nobody", file=0, offset=0)
    assert stranger.hear()[0]["code"] == "no_upload"


def test_a_second_connection_takes_the_upload_over(
    server: ServerProcess, stranger: Stranger, tmp_path: Path
) -> None:
    sending = Sending(tmp_path)
    sending.submit(stranger)
    sending.send_file(stranger, 1)
    stranger.hear_of("file_stored")
    with Stranger(server.connection()) as second:
        second.hello()
        accepted = sending.submit(second)
        assert (accepted["have"], accepted["credit"]) == ([[1, 1]], 8)
        sending.send_chunk(stranger, 0, 0, b"x")
        assert stranger.hear_of("error")[0]["code"] == "no_upload"
        for file in (0, 2, 3):
            sending.send_file(second, file)
            second.hear_of("file_stored")
        wait_until(
            lambda: second.ask(type="get_job", request=5, job_id=sending.job_id)["job"]["state"] == "done"
        )


def test_manifests_have_to_fit_the_job(stranger: Stranger, tmp_path: Path) -> None:
    sending = Sending(tmp_path, size=1000)
    submit = {"type": "submit", "request": 2, "inputs": "streamed", "outputs": "streamed"}
    good = json.loads(sending.manifest)
    for manifest, text in [
        (good[:-1], "the manifest ends before anchors frame 1001"),
        ([*good, good[0]], "the manifest has 5 files; the job needs 4"),
        (
            [good[1], good[0], *good[2:]],
            "file 0 of the manifest is plate frame 1002; the job needs plate frame",
        ),
        ([["plate", FIRST, 4_000_001], *good[1:]], "the server takes 4000000 (file_bytes)"),
        ([["../../etc", FIRST, 1], *good[1:]], "the manifest is not readable"),
        ({}, "the manifest is not readable"),
    ]:
        refusal = stranger.ask(sending.text, json.dumps(manifest).encode(), **submit)
        assert refusal["type"] == "error", refusal
        assert text in refusal["message"]
    refusal = stranger.ask(sending.text, **submit)
    assert "need a manifest" in refusal["message"]
    refusal = stranger.ask(sending.text, sending.manifest, **{**submit, "inputs": "paths"})
    assert "a manifest comes with streamed inputs only" in refusal["message"]
    assert stranger.ask(type="get_job", request=3, job_id=sending.job_id)["code"] == "unknown_job"


def test_a_job_that_is_not_valid_is_refused_by_field(stranger: Stranger, tmp_path: Path) -> None:
    job = json.loads(Sending(tmp_path, size=10).text)
    job["shot"]["last_frame"] = 1
    submit = {"type": "submit", "request": 2, "inputs": "paths", "outputs": "paths"}
    refusal = stranger.ask(json.dumps(job).encode(), **submit)
    assert (refusal["code"], "$.shot.last_frame" in refusal["message"]) == ("bad_job", True)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("plate", "plates/a.%04d.exr", "is not absolute"),
        ("matte", "/dev/zero", "/dev/zero is not a regular file"),
        ("output", "out/a.%04d.exr", "is not absolute"),
    ],
)
def test_paths_that_are_not_files_are_refused(
    stranger: Stranger, tmp_path: Path, field: str, value: str, text: str
) -> None:
    job = json.loads(Sending(tmp_path, size=10).text)
    if field == "plate":
        job["shot"]["plate"] = value
    elif field == "matte":
        job["mattes"][0]["pattern"] = value
    else:
        job["output"]["pattern"] = value
    refusal = stranger.ask(
        json.dumps(job).encode(), type="submit", request=2, inputs="paths", outputs="paths"
    )
    assert refusal["code"] == "refused_path"
    assert text in refusal["message"]


def test_proof_digests_are_those_of_the_document(stranger: Stranger, tmp_path: Path) -> None:
    file = tmp_path / "a.exr"
    content = MAGIC + bytes(range(4, 256))
    file.write_bytes(content)
    nonce = bytes(range(32))
    probe = "ab" * 16
    (tmp_path / f".void-probe-{probe}").write_bytes(b"r" * 32)
    reply = stranger.ask(
        type="prove",
        request=2,
        nonce=nonce.hex(),
        files=[
            {"path": str(file), "ranges": [[0, 10], [200, 56]]},
            {"path": str(file)},
            {"path": str(file), "ranges": [[250, 10]]},
            {"path": str(tmp_path / "none.exr")},
        ],
        folder={"path": str(tmp_path), "probe": probe},
    )
    sized = b"void-proof-1" + struct.pack(">Q", 256)
    ranges = b""
    for offset, length in ((0, 10), (200, 56)):
        ranges += struct.pack(">QQ", offset, length) + content[offset : offset + length]
    with_ranges, size_only, short, missing = reply["files"]
    assert with_ranges["digest"] == hmac.new(nonce, sized + ranges, "sha256").hexdigest()
    assert size_only["digest"] == hmac.new(nonce, sized, "sha256").hexdigest()
    assert "ends before byte 260" in short["problem"]
    assert missing["digest"] is None
    wanted = hmac.new(nonce, b"void-proof-1-folder" + b"r" * 32, "sha256").hexdigest()
    assert reply["folder"]["digest"] == wanted
    assert (tmp_path / f".void-probe-{probe}.answer").read_text() == wanted


def test_a_folder_is_not_proven_without_the_probe(stranger: Stranger, tmp_path: Path) -> None:
    reply = stranger.ask(
        type="prove", request=2, nonce="00" * 32, folder={"path": str(tmp_path), "probe": "cd" * 16}
    )
    assert reply["folder"]["digest"] is None
    assert list(tmp_path.iterdir()) == []


def test_events_are_replayed_or_a_gap_is_told(stranger: Stranger, tmp_path: Path) -> None:
    sending = Sending(tmp_path)
    sending.run(stranger)
    last = stranger.ask(type="get_job", request=3, job_id=sending.job_id)["job"]["sequence"]
    reply = stranger.ask(type="watch", request=4, job_id=sending.job_id, after=last - 2)
    assert reply["gap"] is False
    assert [stranger.hear()[0]["sequence"] for _ in range(2)] == [last - 1, last]
    reply = stranger.ask(type="watch", request=5, job_id=sending.job_id, after=last + 7)
    assert (reply["gap"], reply["job"]["sequence"]) == (True, last)
    assert stranger.ask(type="unwatch", request=6, job_id=sending.job_id)["type"] == "job"


def test_fetches_are_limited_and_refused(server: ServerProcess, stranger: Stranger, tmp_path: Path) -> None:
    sending = Sending(tmp_path)
    sending.run(stranger)
    job_id = sending.job_id
    assert stranger.ask(type="fetch", request=3, job_id=job_id, frame=7, credit=1)["code"] == "unknown_frame"
    for request in (4, 5):
        stranger.say(type="fetch", request=request, job_id=job_id, frame=FIRST, credit=1)
        assert stranger.hear_of("data")[0]["request"] == request
    refusal = stranger.ask(type="fetch", request=6, job_id=job_id, frame=FIRST, credit=1)
    assert (refusal["code"], "2 fetches run already" in refusal["message"]) == ("limit", True)
    stranger.say(type="stop_fetch", request=4)
    assert stranger.ask(type="fetch", request=7, job_id=job_id, frame=FIRST, credit=1)["type"] == "data"

    result = Path(Spool(server.settings.home).result_pattern(job_id) % (FIRST + 1))
    result.write_bytes(b"cut")
    refusal = stranger.ask(type="fetch", request=8, job_id=job_id, frame=FIRST + 1, credit=1)
    assert refusal["code"] == "limit"
    stranger.say(type="stop_fetch", request=5)
    refusal = stranger.ask(type="fetch", request=9, job_id=job_id, frame=FIRST + 1, credit=1)
    assert refusal["code"] == "storage"
    assert "has 3 bytes, and had 1500001" in refusal["message"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_took_a_results_place_is_not_sent(
    server: ServerProcess, stranger: Stranger, tmp_path: Path
) -> None:
    sending = Sending(tmp_path)
    sending.run(stranger)
    first, second = (
        Path(Spool(server.settings.home).result_pattern(sending.job_id) % frame)
        for frame in (FIRST, FIRST + 1)
    )
    secret = tmp_path / "secret"
    secret.write_bytes(b"x" * first.stat().st_size)
    first.unlink()
    first.symlink_to(secret)
    second.unlink()
    os.mkfifo(second)
    fetch = {"type": "fetch", "job_id": sending.job_id, "credit": 1}
    refusal = stranger.ask(request=3, frame=FIRST, **fetch)
    assert (refusal["code"], "is not a regular file any more" in refusal["message"]) == ("refused_path", True)
    refusal = stranger.ask(request=4, frame=FIRST + 1, **fetch)
    assert (refusal["code"], "is not a regular file" in refusal["message"]) == ("refused_path", True)


def test_logs_are_not_read_without_end_for_one_client(stranger: Stranger, tmp_path: Path) -> None:
    sending = Sending(tmp_path)
    sending.run(stranger)
    wanted = {"type": "get_log", "job_id": sending.job_id}
    for request in range(100, 400):
        stranger.say(request=request, **wanted)
    replies = [stranger.hear_of("log_text", "error")[0] for _ in range(300)]
    assert {reply["request"] for reply in replies} == set(range(100, 400))
    refused = [reply for reply in replies if reply["type"] == "error"]
    assert refused
    assert {reply["code"] for reply in refused} == {"limit"}
    assert "2 requests for logs wait already" in refused[0]["message"]
    assert stranger.ask(request=500, **wanted)["type"] == "log_text"


def test_only_final_jobs_can_be_released(stranger: Stranger, tmp_path: Path) -> None:
    sending = Sending(tmp_path)
    sending.submit(stranger)
    refusal = stranger.ask(type="release", request=3, job_id=sending.job_id)
    assert refusal["code"] == "not_ready"
    assert stranger.ask(type="cancel", request=4, job_id=sending.job_id)["job"]["state"] == "cancelled"
    assert stranger.ask(type="release", request=5, job_id=sending.job_id)["type"] == "job"


SAMPLES: dict[str, dict[str, Any]] = {
    "hello": {"min_version": 1, "max_version": 1, "client": "x", "user": "y", "host": "z"},
    "prove": {
        "nonce": "00" * 32,
        "files": [{"path": "/dev/null", "ranges": [[0, 1]]}],
        "folder": {"path": "/nowhere", "probe": "ab" * 16},
    },
    "submit": {"inputs": "streamed", "outputs": "streamed"},
    "chunk": {"job_id": "JOB", "file": 0, "offset": 0, "last": True, "sha256": "0" * 64},
    "watch": {"job_id": "JOB", "after": 1},
    "unwatch": {"job_id": "JOB"},
    "cancel": {"job_id": "JOB"},
    "get_job": {"job_id": "JOB"},
    "list_jobs": {"states": ["done"], "limit": 3},
    "get_results": {"job_id": "JOB", "after_frame": 5, "limit": 3},
    "get_log": {"job_id": "JOB", "offset": 5, "max_bytes": 100},
    "fetch": {"job_id": "JOB", "frame": FIRST, "credit": 2},
    "fetch_credit": {"chunks": 2},
    "stop_fetch": {},
    "release": {"job_id": "JOB"},
    "get_status": {},
    "ping": {},
}
JUNK: list[Any] = [
    None, True, 0, -1, 1, 7, 2**31, 2**53, 2**63, 2**64, 1e300, -0.5, "", "x", "/", "../..", "\0", "done",
    "0" * 64, "A" * 300, [], [[]], [None], [[0, 2**53]], [["/", 0]], {},
    {"path": "/dev/zero", "probe": "ab" * 16},
    [{"path": "/", "ranges": [[2**53, 65536]]}], [{"path": "\0", "ranges": []}], ["done", "failed"],
]  # fmt: skip


def test_no_message_brings_the_server_down(server: ServerProcess, stranger: Stranger, tmp_path: Path) -> None:
    """Valid messages with some of their members spoilt, in any order, against a live job."""
    chance = random.Random(20)
    sending = Sending(tmp_path, size=2000)
    sending.submit(stranger)
    payloads = [b"", b"x" * 2000, sending.text, sending.manifest, b"[[[", b"{}"]
    before = server.log_file.read_text()
    for number in range(1500):
        kind, members = chance.choice(list(SAMPLES.items()))
        message = {"request": 100 + number, **members}
        for name in list(message):
            if message[name] == "JOB":
                message[name] = sending.job_id
            if chance.random() < 0.3:
                message[name] = chance.choice(JUNK)
        count = chance.choice([0, 0, 1, 2]) if kind not in ("chunk", "submit") else chance.choice([1, 2])
        stranger.say(*(chance.choice(payloads) for _ in range(count)), **{**message, "type": kind})
        if number % 50 == 49:
            assert stranger.ask(type="hello", request=99, min_version=1, max_version=1)["type"] == "welcome"
    after = server.log_file.read_text()[len(before) :]
    assert "Traceback" not in after, after[after.index("Traceback") :]
    assert stranger.ask(type="get_status", request=98)["type"] == "status"
