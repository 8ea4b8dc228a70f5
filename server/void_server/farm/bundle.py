"""A bundle: a folder with job files, the plan, and the list of what they need, ready for any dispatcher."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from void_engine.engines.registry import (
    check_options,
    engine_info,
    engine_name,
    part_overlap,
    sharing_engines,
)
from void_engine.errors import SettingError
from void_protocol.job import RemovalJob
from void_protocol.job_file import format_job
from void_server.farm.assets import Assets, assets_of, outside_assets
from void_server.farm.errors import FarmError
from void_server.farm.order import FarmSettings
from void_server.farm.plan_file import PLAN_NAME
from void_server.farm.planning import FarmPlan, ShotRange, encode_plan, plan

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Bundle:
    """One folder that a dispatcher can be given, and what it holds."""

    folder: Path
    name: str
    plan: FarmPlan
    assets: Assets
    order: FarmSettings
    engine: str
    """The most demanding engine of its jobs."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that every task gets."""
        return self.plan.environment

    @property
    def plan_file(self) -> Path:
        return self.folder / PLAN_NAME


def write_bundles(jobs: Sequence[RemovalJob], order: FarmSettings) -> list[Bundle]:
    """Plan ``jobs``, which write files of their own, and write their bundles. No plates are read.

    Raises:
        FarmError: when the folder holds something else.
        SettingError: when a job names an engine or an engine option that does not exist.
        OSError: when the bundle cannot be written.
    """
    names = unique_names(jobs)
    titles = [f"{name} v{job.output.version:03d}" for job, name in zip(jobs, names, strict=True)]
    if order.together or len(jobs) == 1:
        title = titles[0] if len(jobs) == 1 else f"{titles[0]} and {len(jobs) - 1} more"
        return [_write(order.folder, title, jobs, names, order)]
    return [
        _write(order.folder / name, title, [job], [name], order)
        for job, name, title in zip(jobs, names, titles, strict=True)
    ]


def unique_names(jobs: Sequence[RemovalJob]) -> list[str]:
    """Return for each job a name that can be a folder's: the shot's, numbered where it comes again."""
    taken: set[str] = set()
    last: dict[str, int] = {}
    names = []
    for job in jobs:
        plain = _UNSAFE.sub("_", job.shot.name).strip("._") or "shot"
        # A season may call thousands of shots alike, so the search goes on where it ended.
        name, number = plain, last.get(plain.lower(), 1)
        while name.lower() in taken:
            number += 1
            name = f"{plain}_{number}"
        taken.add(name.lower())
        last[plain.lower()] = number
        names.append(name)
    return names


def shared_windows_job(job: RemovalJob) -> RemovalJob:
    """Return the job for a step in which several devices share the windows of a shot. It names its engine.

    Raises:
        FarmError: when the engine has no windows to share.
        SettingError: when the engine is not known.
    """
    name = engine_name(job.settings.engine)
    if not engine_info(name).shares_windows:
        raise FarmError(
            f"{job.shot.name}: several devices share the windows of {sharing_engines()} only, and this job "
            f"is for {name!r}; leave --gpus at 1, or choose another with --engine"
        )
    settings = msgspec.structs.replace(job.settings, engine=name)
    return msgspec.structs.replace(job, settings=settings)


def checked_engine(job: RemovalJob) -> str:
    """Return the job's engine itself, never ``auto``.

    Raises:
        FarmError: when the job is no removal.
        SettingError: when the engine or one of its options does not exist.
    """
    if not job.is_removal:
        raise FarmError(
            f"{job.shot.name}: this job makes mattes ({job.engine_label}), and a farm makes removals only; "
            "run it with 'void run' or 'void submit'"
        )
    name = engine_name(job.settings.engine)
    try:
        check_options(name, job.settings.engine_options)
    except SettingError as error:
        raise SettingError(f"{job.shot.name}: {error}") from error
    return name


def _environment(engines: Iterable[str], order: FarmSettings) -> dict[str, str]:
    """The variables of every task: what the order says, and what its engines need of whoever submits."""
    names = {name for engine in engines for name in engine_info(engine).variables}
    own = {name: value for name in sorted(names) if (value := os.environ.get(name))}
    return {**own, **order.environment}


def _write(
    folder: Path, title: str, jobs: Sequence[RemovalJob], names: Sequence[str], order: FarmSettings
) -> Bundle:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PLAN_NAME).is_file():
        raise FarmError(f"{folder} holds something that is no bundle; choose another folder")
    engines = [checked_engine(job) for job in jobs]
    shots = [
        ShotRange(
            file=f"jobs/{name}.json",
            name=name,
            engine=engine,
            first_frame=job.shot.first_frame,
            last_frame=job.shot.last_frame,
        )
        for job, name, engine in zip(jobs, names, engines, strict=True)
    ]
    made = plan(shots, part_overlap, part_frames=order.part_frames, chunk_frames=order.chunk_frames)
    made = msgspec.structs.replace(made, environment=_environment(engines, order))
    environment: Mapping[str, str] = {**os.environ, **order.environment}
    script = None if order.export is None else order.export.script
    outside = outside_assets(environment, order.assets, script=script)
    assets = assets_of(jobs, order.scratch_folder, outside)
    (folder / "jobs").mkdir(parents=True, exist_ok=True)
    for job, shot in zip(jobs, shots, strict=True):
        (folder / shot.file).write_bytes(format_job(job))
    (folder / "assets.json").write_bytes(msgspec.json.format(msgspec.json.encode(assets), indent=1))
    (folder / PLAN_NAME).write_bytes(encode_plan(made))
    engine = max(engines, key=lambda name: engine_info(name).needs.rank)
    return Bundle(folder, title, made, assets, order, engine)


def export_chunks(bundle: Bundle) -> list[tuple[int, int]]:
    """Return the frame ranges, ends included, that a Nuke export renders task by task: all frames of all
    jobs."""
    return sorted({(work.first_frame, work.last_frame) for task in bundle.plan.merge for work in task})
