"""Finds and deletes what is no longer needed: old jobs, results nobody fetched, leftovers, old logs, caches.

There are three steps, so that a running server can do each where it belongs: :func:`ask` reads the store on
the broker's thread, :func:`find` looks at the disk on a thread for files, and :func:`forget` deletes from the
store what :func:`delete` then removes. A power cut between the last two leaves folders that no job owns; the
next cleaning finds them.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from void_protocol.messages import CleanItem, CleanReport
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import FinalJob, Store
from void_server.settings import ServerSettings

DAY_S = 86_400.0
_ORPHAN_S = 3600.0
"""Folders without a job that are younger than this, in seconds, may belong to a job that is just being
accepted."""
_FRESH_S = 600.0
"""Files of a cache that were used within this time, in seconds, are in use."""
_LISTED = 1000
"""The most items in a report; its sums are over all."""


@dataclass(frozen=True)
class Facts:
    """What the store knows, and no more than is needed: a store may hold a hundred thousand jobs."""

    final: Sequence[FinalJob]
    """Jobs that ended so long ago that something of theirs may be deleted."""
    job_ids: Sequence[str] | None
    """All jobs, for finding folders that none of them owns; with None these are left alone."""
    asked_at: float


@dataclass(frozen=True)
class Find:
    """Something that may be deleted, and where it lies."""

    item: CleanItem
    paths: tuple[Path, ...]


def ask(
    store: Store, settings: ServerSettings, days: float | None = None, *, with_orphans: bool = True
) -> Facts:
    """Read from the store what the other steps need."""
    now = time.time()
    job_days, result_days = _ages(settings, days)
    final = store.ended_before(job_until=now - job_days * DAY_S, results_until=now - result_days * DAY_S)
    return Facts(final, store.job_ids() if with_orphans else None, now)


def _ages(settings: ServerSettings, days: float | None) -> tuple[float, float]:
    """Return how many days jobs and results are kept."""
    return (settings.job_days, settings.result_days) if days is None else (days, days)


def find(settings: ServerSettings, spool: Spool, facts: Facts, days: float | None = None) -> list[Find]:
    """Find everything that is older than its retention, or than ``days``, the largest first."""
    found = [
        *_jobs(settings, spool, facts, days),
        *_orphans(spool, facts),
        *_logs(settings, facts, days),
        *_caches(settings, facts, days),
    ]
    return sorted(found, key=lambda each: (-each.item.size_bytes, each.item.what))


def _jobs(settings: ServerSettings, spool: Spool, facts: Facts, days: float | None) -> Iterator[Find]:
    job_days, result_days = _ages(settings, days)
    for job in facts.final:
        age_s = facts.asked_at - job.finished_at
        folder = spool.folder(job.job_id)
        if age_s >= job_days * DAY_S:
            why = f"ended {_days(age_s)} ago; jobs are kept {job_days:g} days (job_days)"
            yield _found("job", job.job_id, why, age_s, folder)
            continue
        results = spool.files(job.job_id).result
        if not job.is_released and age_s >= result_days * DAY_S and results.exists():
            why = f"ended {_days(age_s)} ago; results are kept {result_days:g} days (result_days)"
            yield _found("results", job.job_id, why, age_s, results)
        inputs = spool.inputs_folder(job.job_id)
        if inputs.exists() and age_s >= _FRESH_S:
            yield _found("inputs", job.job_id, "the job has ended and needs them no more", age_s, inputs)


def _orphans(spool: Spool, facts: Facts) -> Iterator[Find]:
    if facts.job_ids is None:
        return
    owned = {spool.folder(job_id).name for job_id in facts.job_ids}
    for folder in _children(spool.root):
        age_s = facts.asked_at - _used_at(folder)
        if folder.name not in owned and age_s >= _ORPHAN_S:
            yield _found("orphan", f"jobs/{folder.name}", "no job owns this folder", age_s, folder)


def _logs(settings: ServerSettings, facts: Facts, days: float | None) -> Iterator[Find]:
    log_days = settings.log_days if days is None else days
    for file in _children(settings.log_folder):
        age_s = facts.asked_at - _used_at(file)
        # Only rotated files count, such as server.jsonl.3 and worker-0.log.1.
        if file.suffix[1:].isdigit() and age_s >= log_days * DAY_S:
            why = f"written {_days(age_s)} ago; logs are kept {log_days:g} days (log_days)"
            yield _found("log", f"logs/{file.name}", why, age_s, file)


def _caches(settings: ServerSettings, facts: Facts, days: float | None) -> Iterator[Find]:
    cache_days = settings.cache_days if days is None else days
    root = settings.caches
    files = [path for path in root.rglob("*") if path.is_file()] if root.is_dir() else []
    files.sort(key=_used_at, reverse=True)
    kept = 0
    for file in files:
        age_s = facts.asked_at - _used_at(file)
        size = _size(file)
        why = ""
        if age_s >= cache_days * DAY_S:
            why = f"used {_days(age_s)} ago; caches are kept {cache_days:g} days (cache_days)"
        elif kept + size > settings.cache_bytes and age_s >= _FRESH_S:
            why = f"least recently used beyond {settings.cache_bytes / 1e9:g} GB (cache_bytes)"
        if why:
            yield _found("cache", f"cache/{file.relative_to(root).as_posix()}", why, age_s, file)
        else:
            kept += size


def forget(store: Store, found: Sequence[Find]) -> None:
    """Delete jobs and results from the store. The caller commits before :func:`delete`."""
    for each in found:
        if each.item.kind == "job":
            store.delete_job(each.item.what)
        elif each.item.kind == "results":
            store.set_released(each.item.what)


def delete(found: Sequence[Find]) -> list[str]:
    """Remove the files. Return, for people, what could not be removed; it will be found again."""
    problems: list[str] = []
    for each in found:
        for path in each.paths:
            try:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            except OSError as error:
                problems.append(f"cannot delete {path}: {error.strerror or error}")
    return problems


def report(
    request: int, found: Sequence[Find], *, applied: bool, problems: Sequence[str] = ()
) -> CleanReport:
    """Put what was found, or deleted, into one message."""
    return CleanReport(
        request=request,
        applied=applied,
        items=[each.item for each in found[:_LISTED]],
        count=len(found),
        size_bytes=sum(each.item.size_bytes for each in found),
        problems=list(problems[:_LISTED]),
    )


def _found(kind: str, what: str, why: str, age_s: float, *paths: Path) -> Find:
    size = sum(_size(path) for path in paths)
    item = CleanItem(kind=kind, what=what, why=why, size_bytes=size, age_s=round(age_s, 1))  # type: ignore[arg-type]
    return Find(item, paths)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _size(path: Path) -> int:
    try:
        if not path.is_dir():
            return path.lstat().st_size
    except OSError:
        return 0
    return sum(_size(child) for child in _children(path) if not child.is_symlink())


def _used_at(path: Path) -> float:
    try:
        status = path.lstat()
    except OSError:
        return time.time()
    return max(status.st_mtime, status.st_atime if path.is_file() else 0.0)


def _days(seconds: float) -> str:
    return f"{seconds / DAY_S:.1f} days" if seconds >= DAY_S else f"{seconds / 3600:.1f} hours"
