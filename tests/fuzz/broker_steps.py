"""What may happen in :mod:`tests.fuzz.broker_states`: the steps of clients, workers, disks and operators."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import zmq

from tests.fuzz.broker_world import CLIENTS, FIRST_NAME, FRAMES, OWNERS, ClientEnd, World
from void_protocol.job import Format, Matte, Output, RemovalJob, Shot
from void_protocol.job_file import encode_job
from void_protocol.messages import JobState
from void_server.access.allow_list import allowed_folder
from void_server.workers.worker_link import Finished, FrameWhole, LogLine


class Steps(World):
    """Each step gives the client that has done something, or None."""

    def _any(self) -> ClientEnd | None:
        heard = [client for client in self.clients if client.is_heard]
        return self.chance.choice(heard) if heard else None

    def _any_job(self) -> str:
        if not self.jobs or self.chance.random() < 0.05:
            return "no-such-job"
        return self.chance.choice(list(self.jobs)[-12:])

    def _step_connect(self) -> ClientEnd | None:
        welcome = [name for name in OWNERS if name not in self.out]
        if len(self.clients) >= CLIENTS or not welcome:
            return None
        claimed = self.chance.choice(
            [
                None,
                None,
                b"\0" + (FIRST_NAME + self.chance.randrange(8)).to_bytes(4, "big"),
                b"operator",
                b"c" + self.chance.randbytes(24),
            ]
        )
        client = self._connect(self.chance.choice(welcome), claimed)
        self.ask(client, "hello", min_version=1, max_version=1, client=client.label)
        return client

    def _step_hello(self) -> ClientEnd | None:
        if client := self._any():
            versions = self.chance.choice([(1, 1), (1, 9), (1, 1), (7, 9)])
            self.ask(client, "hello", min_version=versions[0], max_version=versions[1], client=client.label)
        return client

    def _step_bye(self) -> ClientEnd | None:
        if client := self._any():
            self._send(client, [b'{"type":"bye"}'])
            self._forget_session(client)
        return client

    def _step_vanish(self) -> None:
        if self.clients:
            client = self.chance.choice(self.clients)
            self.clients.remove(client)
            client.socket.close(0)

    def _step_submit(self) -> ClientEnd | None:
        client = self._any()
        if client is None:
            return None
        begun = [
            job_id
            for job_id, facts in self.jobs.items()
            if facts.state is JobState.UPLOADING and facts.owner == client.owner
        ]
        if begun and self.chance.random() < 0.4:
            job_id = self.chance.choice(begun)
        elif self._texts and self.chance.random() < 0.3:
            job_id = self.chance.choice(list(self._texts)[-10:])
        else:
            job_id = f"job-{self._number}"
        if job_id not in self._texts:
            self._texts[job_id] = self._job(job_id)
        text, manifest, _ = self._texts[job_id]
        if self.chance.random() < 0.1:  # the same id with other content
            changed = json.loads(text)
            changed["settings"] = {"prompt": f"other {self._number}"}
            text = json.dumps(changed).encode()
            if job_id not in self.jobs:  # else it would be the job of this id
                return client
        number = self.ask(
            client, "submit", text, manifest, job_id=job_id, inputs="streamed", outputs="streamed"
        )
        client.submitting[number] = job_id
        return client

    def _job(self, job_id: str) -> tuple[bytes, bytes, list[bytes]]:
        plate = str(self.folder / "p.%04d.exr")
        job = RemovalJob(
            job_id=job_id,
            shot=Shot(
                name=job_id,
                plate=plate,
                first_frame=FRAMES[0],
                last_frame=FRAMES[-1],
                format=Format(width=16, height=16),
            ),
            mattes=[Matte(role="remove", pattern=str(self.folder / "m.exr"))],
            output=Output(pattern=str(self.folder / "o.%04d.exr")),
        )
        files = [self.chance.randbytes(self.chance.choice((0, 5, 40, 4000))) for _ in range(3)]
        manifest = [
            ["plate", FRAMES[0], len(files[0])],
            ["plate", FRAMES[1], len(files[1])],
            ["matte.0", None, len(files[2])],
        ]
        return encode_job(job), json.dumps(manifest).encode(), files

    def _step_chunk(self) -> ClientEnd | None:
        """What its own upload needs next, most of the time."""
        ready = [
            (client, job_id)
            for client in self.clients
            for job_id, credit in client.credit.items()
            if credit > 0 and client.is_heard and job_id not in client.submitting.values()
        ]
        if not ready:
            return None
        client, job_id = self.chance.choice(ready)
        facts = self.jobs[job_id]
        open_files = [index for index in facts.next_byte if facts.next_byte[index] < len(facts.files[index])]
        file = self.chance.choice(open_files or range(len(facts.files)))
        at = facts.next_byte.get(file, 0)
        data = facts.files[file]
        piece = data[at : at + self.chance.choice((3, 2000, 10_000))]
        is_last = at + len(piece) == len(data)
        digest = hashlib.sha256(data).hexdigest() if is_last else ""
        if is_last and self.chance.random() < 0.1:
            digest = "0" * 64
        for other in list(facts.next_byte):
            if at == 0 and other != file:
                del facts.next_byte[other]  # a file that begins ends the one before it
        facts.next_byte[file] = at + len(piece)
        if is_last:
            facts.next_byte.pop(file)
        self._chunk(client, job_id, file, at, piece, last=is_last, sha256=digest)
        client.credit[job_id] -= 1
        return client

    def _chunk(self, client: ClientEnd, job_id: str, file: int, at: int, data: bytes, **more: Any) -> None:
        message = {"type": "chunk", "job_id": job_id, "file": file, "offset": at, **more}
        self._send(client, [json.dumps(message).encode(), data])

    def _step_wrong_chunk(self) -> ClientEnd | None:
        """For a job of somebody else, without an upload, or without credit."""
        client = self._any()
        if client is None:
            return None
        job_id = self._any_job()
        if job_id in client.submitting.values():
            return None
        if client.credit.get(job_id, 0) > 0:
            client.credit[job_id] -= 1
            self.jobs[job_id].next_byte.clear()
        self._chunk(client, job_id, self.chance.randrange(5), self.chance.choice((0, 1, 7)), b"wrong")
        return client

    def _step_request(self) -> ClientEnd | None:
        client = self._any()
        if client is None:
            return None
        kind = self.chance.choice(
            ("get_job", "list_jobs", "get_results", "get_log", "get_status", "get_health", "get_engines",
             "unwatch", "cancel", "release", "set_priority", "pause", "resume")
        )  # fmt: skip
        more: dict[str, Any] = {"priority": self.chance.randrange(-3, 4)} if kind == "set_priority" else {}
        without_job = ("list_jobs", "get_status", "get_health", "get_engines")
        self.ask(client, kind, job_id="" if kind in without_job else self._any_job(), **more)
        return client

    def _step_gate(self) -> ClientEnd | None:
        """The whole queue, which is the operator's."""
        if client := self._any():
            kind = self.chance.choice(("pause", "resume", "resume", "drain", "resume", "clean"))
            self.ask(client, kind)
            if client.owner == "local" and kind != "resume":
                self.sync(client)
                self.ask(client, "resume")
        return client

    def _step_watch(self) -> ClientEnd | None:
        if client := self._any():
            job_id = self._any_job()
            client.watches.add(job_id)
            self.ask(client, "watch", job_id=job_id, after=self.chance.choice((None, 0, 2, 10**6)))
        return client

    def _step_fetch(self) -> ClientEnd | None:
        if client := self._any():
            frame = self.chance.choice((*FRAMES, 9))
            credit = self.chance.choice((1, 3, 64))
            client.reads.add(self.ask(client, "fetch", job_id=self._any_job(), frame=frame, credit=credit))
        return client

    def _step_fetch_on(self) -> ClientEnd | None:
        """Credit for a fetch of its own, or for a number that is another's."""
        if client := self._any():
            number = self.chance.choice([*client.reads, self._number])
            kind = self.chance.choice(("fetch_credit", "fetch_credit", "stop_fetch"))
            more = {"chunks": 64} if kind == "fetch_credit" else {}
            client.named.add(number)
            self._send(client, [json.dumps({"type": kind, "request": number, **more}).encode()])
        return client

    def _step_prove(self) -> ClientEnd | None:
        if client := self._any():
            files = [{"path": str(self.folder / "p.0001.exr"), "ranges": [[0, 5]]}]
            self.ask(client, "prove", nonce="0" * 64, files=files)
        return client

    def _step_garbage(self) -> ClientEnd | None:
        if client := self._any():
            self._number += 1
            client.asked[self._number] = ("garbage", "")
            first = self.chance.choice(
                [
                    self.chance.randbytes(30),
                    b"{}",
                    b'{"type":"submit","request":%d}' % self._number,
                    b'{"type":"welcome","request":%d}' % self._number,
                    b'{"type":"fetch_credit","request":9007199254740992,"chunks":64}',
                    b"[" * 5000,
                ]
            )
            self._send(client, [first, *[b"x"] * self.chance.randrange(5)])
        return client

    def _step_worker(self) -> None:
        """A worker reports on its job."""
        if not self._workers.jobs:
            return
        job_id = self.chance.choice(self._workers.jobs)
        lifecycle = self.broker._lifecycle
        kind = self.chance.choice(("frame", "frame", "line", "done", "failed", "lost"))
        if job_id in self._workers.stopping and self.chance.random() < 0.7:
            kind = "cancelled"
        if kind == "frame":
            frame = self.chance.choice(FRAMES)
            content = b"\x76\x2f\x31\x01" + self.chance.randbytes(100)
            path = Path(self.broker._spool.result_pattern(job_id) % frame)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_bytes(content)
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            lifecycle.worker_said(
                FrameWhole(job_id=job_id, frame=frame, size=len(content), sha256=digest), []
            )
        elif kind == "line":
            lifecycle.worker_said(LogLine(job_id=job_id, text="a line\nand another"), [])
        else:
            self._workers.end(job_id)
            if kind == "lost":
                lifecycle.worker_lost(job_id, "it died", "its output")
            else:
                lifecycle.worker_said(Finished(job_id=job_id, outcome=kind), [])

    def _step_volume(self) -> None:
        self.is_full = not self.is_full and self.chance.random() < 0.5

    def _step_grace(self) -> None:
        """Nobody has sent files of a job for too long."""
        held = {job_id for client in self.clients for job_id in client.credit}
        for job_id, facts in self.jobs.items():
            if facts.state is JobState.UPLOADING and job_id not in held and self.chance.random() < 0.5:
                self.broker._lifecycle.upload_abandoned(job_id)

    def _step_revoke(self) -> None:
        name = self.chance.choice(OWNERS[1:])
        file = allowed_folder(self.settings.home) / f"{name}.key"
        if name in self.out:
            self._pairs[name] = zmq.curve_keypair()
            self._let_in(name)
            self.out.remove(name)
        elif self.chance.random() < 0.5:
            for client in [client for client in self.clients if client.owner == name]:
                self.sync(client)
            file.unlink()
            self.broker._connections.cut_revoked()
            self.out.add(name)
            for _ in range(3):
                self.turn(1)
            for client in self.clients:
                if client.owner == name:
                    self.hear(client)
                    client.is_heard = False
                    self._forget_session(client)

    def _step_revoked_speaks(self) -> ClientEnd | None:
        silent = [client for client in self.clients if not client.is_heard]
        if not silent:
            return None
        client = self.chance.choice(silent)
        self._send(client, [b'{"type":"hello","request":1,"min_version":1,"max_version":1}'])
        self._send(client, [b'{"type":"pause","request":2}'])
        return client

    def _rewind(self) -> None:
        """Take the jobs for what the store holds after a crash, which must be all that anybody was told."""
        for job_id, facts in self.jobs.items():
            info = self.broker._store.info(job_id)
            assert info is not None, f"{job_id} was acknowledged before it was stored"
            assert info.sequence >= facts.told, f"{job_id}: an event was told before it was stored"
            if info.sequence < facts.sequence:
                facts.sequence, facts.state = info.sequence, info.state

    def _step_restart(self) -> None:
        """The broker is ended in good order, or dies with what it has not committed."""
        database = self.broker._store.database
        if self.chance.random() < 0.5:
            if database.is_dirty:
                database._db.execute("ROLLBACK")
                database.is_dirty = False
                self._rewind()
            self.broker._outbox._waiting.clear()
        self._close_broker()
        for client in self.clients:
            self.hear(client)
            self._forget_session(client)
        self.broker = self._open()


STEPS = {
    "connect": 8, "hello": 4, "bye": 1, "vanish": 4, "submit": 10, "chunk": 30, "wrong_chunk": 4,
    "request": 14, "gate": 2, "watch": 4, "fetch": 5, "fetch_on": 3, "prove": 3, "garbage": 4, "worker": 14,
    "volume": 1, "grace": 2, "revoke": 1, "revoked_speaks": 1, "restart": 0.3,
}  # fmt: skip
