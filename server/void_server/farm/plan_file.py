"""Reads the plan in a bundle, and the jobs that it names, for this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from void_protocol.job import RemovalJob
from void_protocol.job_file import read_job
from void_server.farm.errors import FarmError
from void_server.farm.path_mapping import PathRules, mapped_job
from void_server.farm.planning import PLAN_VERSION, FarmPlan, FarmStep, PlannedJob, Work

PLAN_NAME = "plan.json"


@dataclass(frozen=True)
class JobPiece:
    """A piece of work with everything that it needs."""

    planned: PlannedJob
    job: RemovalJob
    """The job as it was submitted; it decides the fingerprint."""
    local_job: RemovalJob
    """The job with the paths of this machine."""
    work: Work
    plan: FarmPlan
    """The plan that it belongs to."""

    def again(self, step: FarmStep, first_frame: int) -> str:
        """Name the task of a step that makes the frames of this job from ``first_frame`` on, for an error's
        remedy."""
        return f"task {self.plan.task_of(step.value, self.work.job, first_frame)} of the step {step.value!r}"


def read_plan(path: Path) -> FarmPlan:
    """Read the plan in a file.

    Raises:
        FarmError: when the file cannot be read, or another release has written it.
    """
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=FarmPlan)
    except OSError as error:
        raise FarmError(f"cannot read the plan {path}: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise FarmError(f"{path} is not a plan of 'void farm bundle': {error}") from error
    if plan.plan_version != PLAN_VERSION:
        raise FarmError(
            f"{path} is a plan of version {plan.plan_version}, this release reads {PLAN_VERSION}; "
            "bundle the jobs again with the release that the farm has"
        )
    return plan


def read_task(plan: FarmPlan, path: Path, step: str, task: int, rules: PathRules) -> list[JobPiece]:
    """Read the pieces of work of one task.

    Args:
        path: the plan's file, beside which the jobs are.

    Raises:
        FarmError: when the plan has no such task.
        JobFileError: when a job cannot be read.
    """
    tasks = plan.tasks(step)
    if not 0 <= task < len(tasks):
        raise FarmError(f"{path} has {len(tasks)} tasks of step {step!r}, from 0; there is no task {task}")
    pieces = []
    for work in tasks[task]:
        planned = plan.jobs[work.job]
        job = read_job(path.parent / planned.file)
        pieces.append(JobPiece(planned, job, mapped_job(job, rules), work, plan))
    return pieces
