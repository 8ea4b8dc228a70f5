from __future__ import annotations

from void_server.broker.throughput import WINDOW_S, Meter


def test_rates_are_of_the_window() -> None:
    now = [0.0]
    meter = Meter(lambda: now[0])
    assert meter.throughput().frames_per_minute == 0.0
    for _ in range(60):
        now[0] += 1.0
        meter.add("frames")
        meter.add("sent_bytes", 1000)
    meter.add("jobs", 2)
    first = meter.throughput()
    assert (first.window_s, first.frames_per_minute, first.sent_bytes_per_s) == (60.0, 60.0, 1000.0)
    assert first.jobs_per_hour == 120.0
    now[0] += 2 * WINDOW_S
    later = meter.throughput()
    assert (later.window_s, later.frames_per_minute, later.jobs_per_hour) == (WINDOW_S, 0.0, 0.0)
    assert meter.totals == {"frames": 60, "sent_bytes": 60_000, "jobs": 2}


def test_memory_does_not_grow() -> None:
    now = [0.0]
    meter = Meter(lambda: now[0])
    for _ in range(20_000):
        now[0] += 1.0
        meter.add("frames")
    assert len(meter._slices) <= WINDOW_S / 5 + 1
    assert abs(meter.throughput().frames_per_minute - 60.0) < 1.5
