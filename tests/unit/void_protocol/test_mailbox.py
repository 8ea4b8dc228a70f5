from __future__ import annotations

import threading

import zmq

from void_protocol.mailbox import Mailbox


def test_a_poller_wakes_and_nothing_is_lost_or_reordered() -> None:
    mailbox: Mailbox[tuple[int, int]] = Mailbox()
    poller = zmq.Poller()
    poller.register(mailbox.fileno(), zmq.POLLIN)
    assert not poller.poll(0)
    count = 20_000  # more than the wake-up buffer holds

    def fill(thread: int) -> None:
        for index in range(count):
            mailbox.put((thread, index))

    threads = [threading.Thread(target=fill, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    seen: list[tuple[int, int]] = []
    while len(seen) < 2 * count:
        assert poller.poll(5000), f"only {len(seen)} arrived"
        seen.extend(mailbox.drain())
    for thread in threads:
        thread.join()
    for number in range(2):
        assert [index for thread, index in seen if thread == number] == list(range(count))
    mailbox.drain()
    assert not poller.poll(0)
    assert mailbox.put((7, 7))
    assert mailbox.close() == [(7, 7)]
    assert not mailbox.put((0, 0))  # too late, but no error


def test_whatever_is_put_while_it_closes_is_answered_for() -> None:
    for _ in range(200):
        mailbox: Mailbox[int] = Mailbox()
        taken: list[int] = []

        def fill(mailbox: Mailbox[int] = mailbox, taken: list[int] = taken) -> None:
            taken.extend(index for index in range(200) if mailbox.put(index))

        thread = threading.Thread(target=fill)
        thread.start()
        seen = mailbox.drain() + mailbox.close()
        thread.join()
        assert seen == taken
