"""Says which engine a job gets here, why, and what of the job means nothing to it."""

from __future__ import annotations

from void_engine.engines.registry import AUTO, engine_info, engines
from void_protocol.job import RemovalJob


def told_choice(job: RemovalJob, name: str) -> list[str]:
    """Return lines for the job's log.

    Args:
        job: the job.
        name: the engine that it gets.
    """
    lines: list[str] = []
    info = engine_info(name)
    if job.settings.engine == AUTO:
        better = [
            f"{other.name} cannot run here: {other.problem()}"
            for other in engines().values()
            if (other.auto_rank or 0) > (info.auto_rank or 0)
        ]
        why = "; ".join(better) or "the best engine that can run here"
        lines.append(f"engine: auto takes {name} ({why})")
    if job.settings.prompt.strip() and not info.reads_prompt:
        lines.append(f"the prompt is not used by {name}")
    return lines
