"""Random clients, some of them hostile, against a real broker with real sockets: ``python -m
tests.fuzz.broker_states --hours 3``.

The broker runs in this process, turn by turn. Stood in for are the workers, whose reports are made up, and
the helper threads, whose work is done at random moments, so that a run can be repeated by its seed. After
every step these must hold:

- nobody gets an answer to what another has asked, or changes what is another's; no session is another key's
- no credit of an upload is lost, and nothing stays counted that is over
- every state of a job may follow the one before it, and no event is missing between two
- every acknowledged job is there, its owner's, also after the broker has been ended or has crashed
- handles and what the broker remembers of connections are bounded by the connections there are
- nothing is logged as a fault of the server
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.broker_steps import STEPS, Steps
from tests.fuzz.broker_world import CLIENTS, CREDIT, handles
from void_protocol.messages import JobState, StateEvent
from void_server.broker.jobs.job_states import may_follow

_SETTLE_EVERY = 20
_TURNS = 400


class Machine(Steps):
    """One run."""

    def step(self) -> None:
        """Do something at random, and look whether all still holds."""
        names = list(STEPS)
        name = self.chance.choices(names, [STEPS[each] for each in names])[0]
        self.steps[name] += 1
        self.log.append(name)
        client = getattr(self, f"_step_{name}")()
        if client is not None and client in self.clients:
            self.log[-1] += f" {client.owner}"
            self.sync(client)
        else:
            self.turn()
        if self.chance.random() < 0.6:
            self.work(self.chance.randrange(1, 6))
        self.check()
        if sum(self.steps.values()) % _SETTLE_EVERY == 0:
            self.settle()

    # What must hold -------------------------------------------------------------------------------------

    def check(self) -> None:
        broker = self.broker
        assert not self._faults.found, self._faults.found[0]
        keys = {pair[0]: name for name, pair in self._pairs.items()}
        for session in broker._sessions._sessions.values():
            assert keys.get(session.key) == session.owner
            assert broker._connections._names.is_of(session.peer, session.key)
            assert session.owner not in self.out
        for job_id in list(self.jobs):
            self._check_job(job_id)
        assert len(broker._connections._tickets) <= 3 * CLIENTS
        if sum(self.steps.values()) % _SETTLE_EVERY == 1:
            assert handles() <= self.handles_before + 8 * CLIENTS + 60, handles()

    def _check_job(self, job_id: str) -> None:
        facts, store = self.jobs[job_id], self.broker._store
        info = store.info(job_id)
        assert info is not None, f"{job_id} was acknowledged and is gone"
        assert info.owner == facts.owner
        if info.sequence == facts.sequence:
            return
        events = store.events_after(job_id, facts.sequence)
        expected = list(range(facts.sequence + 1, info.sequence + 1))
        assert [event.sequence for event in events] == expected, f"events of {job_id} are missing"
        for event in events:
            if isinstance(event, StateEvent):
                state = JobState(event.state)
                assert may_follow(facts.state, state), f"{job_id}: {facts.state} -> {state}"
                facts.state = state
        facts.sequence = info.sequence
        assert info.state == facts.state

    def settle(self) -> None:
        """Let everything that is on the way arrive, and look at what must be nothing then."""
        for client in list(self.clients):
            self.sync(client)
        quiet = 0
        for _ in range(_TURNS):
            quiet = 0 if self.work() or self.broker._outbox._waiting else quiet + 1
            self.turn(1 if quiet else 0)
            if quiet > 2:
                break
        for client in list(self.clients):
            self.sync(client)
        self.broker._connections.look_around()
        self.broker._connections.look_around()
        self.check()
        broker = self.broker
        assert broker._submissions._unread_bytes.total() == 0
        peers = set(broker._sessions._sessions)
        for watchers in broker._requests._rooms.events._watchers.values():
            assert watchers <= peers
        assert {peer for peer, _ in broker._requests._rooms.fetches._fetches} <= peers
        assert not broker._requests._rooms.proofs._waiting._waiting
        assert not broker._requests._rooms.queries._log_reads._waiting
        assert set(broker._connections._tickets) <= peers
        for job_id, upload in broker._uploads._uploads.items():
            assert upload.outstanding == 0, f"credit of {job_id} is lost"
        # Of two connections that submit one job, either may hear its answer first; the server knows the last.
        ends = {client.label: client for client in self.clients}
        for job_id, upload in broker._uploads._uploads.items():
            session = broker._sessions.get(upload.peer)
            holder = ends.get(session.client) if session is not None else None
            if holder is not None and job_id in holder.credit:
                credit = holder.credit[job_id]
                assert credit == CREDIT, f"{job_id}: {credit} of {CREDIT} chunks of credit"


def run(seed: int, steps: int) -> Counter[str]:
    """Do so many steps, and return how many of each kind there were.

    Raises:
        AssertionError: when something does not hold; its notes have the seed and the last steps.
    """
    memory = Path("/dev/shm")  # where syncing costs nothing
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        machine = Machine(Path(folder), seed)
        try:
            for _ in range(steps):
                machine.step()
            machine.settle()
        except BaseException as error:
            error.add_note(f"seed {seed}, step {sum(machine.steps.values())}: {', '.join(machine.log)}")
            raise
        finally:
            machine.close()
        machine.steps["jobs"] = len(machine.jobs)
        ends = Counter(str(facts.state) for facts in machine.jobs.values())
        machine.steps.update({f"jobs that ended as {state}": count for state, count in ends.items()})
        return machine.steps


def main() -> None:
    """Run seed after seed for as long as is asked for."""
    import resource

    parser = argparse.ArgumentParser(description="Random clients against a real broker.")
    parser.add_argument("--hours", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3000, help="steps of one seed")
    words = parser.parse_args()
    logging.disable(logging.WARNING)
    began, seed, total = time.monotonic(), words.seed, Counter[str]()
    while time.monotonic() < began + 3600 * words.hours:
        total += run(seed, words.steps)
        seed += 1
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        done = (seed - words.seed) * words.steps
        print(f"{done} steps, {time.monotonic() - began:.0f} s, {memory} KiB at most, {handles()} handles")
        sys.stdout.flush()
    print(dict(total))


if __name__ == "__main__":
    main()
