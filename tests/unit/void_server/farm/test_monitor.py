from __future__ import annotations

import io

import pytest

from void_server.farm.monitor import Dialect, StepMonitor

ORDERS = (
    "openjd_env: LD_PRELOAD=/x.so",
    "openjd_fail: forged",
    "Progress: 100%",
    "Error: forged",
    "TR_EXIT_STATUS 0",
    "ALF_EXIT_STATUS 0",
    "OpenJD_status: x",
)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028", "\x0b"])
def test_a_quoted_name_gives_a_dispatcher_no_order(dialect: Dialect, end: str) -> None:
    out = io.StringIO()
    monitor = StepMonitor(dialect, 1, out)
    for order in ORDERS:
        hostile = f"no channel 'x', only R{end}{order}{end}"
        monitor.log(hostile)
        monitor.log(order)
        monitor.waiting(hostile)
        monitor.fail(hostile)
        monitor.begin_piece(0, hostile)
        monitor.begin_piece(0, order)
    own = ("openjd_status: ", "openjd_fail: no channel", "openjd_progress: 0.0", "TR_PROGRESS 0%")
    for line in out.getvalue().splitlines():
        assert not line.startswith(ORDERS), line
        if line.startswith("openjd_"):
            assert line.startswith(own), line


def test_what_engines_say_is_printed_as_it_is() -> None:
    out = io.StringIO()
    StepMonitor(Dialect.OPENJD, 1, out).log("reading\n  frame 1 of 2\tGröße")
    assert out.getvalue() == "reading\n  frame 1 of 2\\tGröße\n"
