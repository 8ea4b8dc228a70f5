"""What the person who sends jobs tells the dispatcher about them: priority, pool, retries and the like.

Each kind of farm has words of its own for these, and some have none. What a farm has no word for is left out
and told.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from void_server.settings.declaration import DeclaredSettings, option, settings_of
from void_server.settings.kinds import Count


@dataclass(frozen=True, kw_only=True)
class DispatchSettings(DeclaredSettings):
    """How the dispatcher treats the jobs."""

    priority: Annotated[
        Annotated[int, Meta(ge=0, le=100)] | None,
        Meta(description="The farm's priority, higher ones first."),
        option("--priority", otherwise="the farm's"),
    ] = None
    pool: Annotated[
        str,
        Meta(description="Which machines or queue: a pool, facility, partition, service or client group."),
        option("--pool"),
    ] = ""
    department: Annotated[
        str,
        Meta(description="Who pays: a department, account, project or namespace."),
        option("--department"),
    ] = ""
    retries: Annotated[
        Annotated[int, Meta(ge=0, le=100)] | None,
        Meta(description="How often a task that failed is tried again."),
        option("--retries", otherwise="the farm's"),
    ] = None
    limits: Annotated[
        tuple[str, ...],
        Meta(description="A limit of the farm that every task takes one of; may be repeated."),
        option("--limit"),
    ] = ()
    machine_limit: Annotated[
        Count | None,
        Meta(description="On how many machines a step runs at most."),
        option("--machine-limit", otherwise="as many as there are"),
    ] = None
    tags: Annotated[
        tuple[str, ...],
        Meta(description="A property that machines must have; may be repeated."),
        option("--tag"),
    ] = ()

    def without_words(self, known: Collection[str]) -> list[str]:
        """Return the given options that a farm which has words for the settings ``known`` leaves out."""
        return [
            setting.named.options[0]
            for setting in settings_of(DispatchSettings)
            if setting.name not in known and getattr(self, setting.name) not in (None, "", ())
        ]
