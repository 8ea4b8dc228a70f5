"""Runs one task of a farm's job in this process. It imports nothing that only a command line needs."""

from __future__ import annotations

import sys
from pathlib import Path

from void_engine.diffusion.torchrun import process_count
from void_server.cli.stopping import stopping_on_signals
from void_server.errors import message_of
from void_server.farm.monitor import StepMonitor
from void_server.farm.path_mapping import mapped, rules_of_machine
from void_server.farm.plan_file import read_plan, read_task
from void_server.farm.step_order import StepOrder
from void_server.farm.steps import run_task
from void_server.farm.task_environment import settle_environment
from void_server.scratch import settle_in


def run_order(order: StepOrder) -> None:
    """Run a task, tell its progress on standard output, and keep what it has made before.

    Raises:
        FarmError, EngineError: when it fails; of work that had begun, the dispatcher was told why.
        RemovalCancelled: when it was asked to stop.
    """
    rules = rules_of_machine(order.path_mapping)
    plan, scratch = (Path(mapped(str(path), rules)) for path in (order.plan, order.scratch))
    found = read_plan(plan)
    settle_environment(found.environment, rules)
    settle_in(scratch)
    pieces = read_task(found, plan, order.name.value, order.task, rules)
    monitor = StepMonitor(order.dialect, len(pieces), sys.stdout)

    def run() -> None:
        run_task(pieces, order.name.value, scratch.absolute(), monitor)

    try:
        with stopping_on_signals(monitor.stop):
            if process_count() == 1:
                run()
                return
            from void_server.cli.torchrun_jobs import run_with_torchrun

            run_with_torchrun([piece.local_job for piece in pieces], run)
    except Exception as error:
        monitor.fail(message_of(error))
        raise
