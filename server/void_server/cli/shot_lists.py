"""The lists of shots that ``void batch``, ``void check`` and ``void farm bundle`` take, and what counts for
all of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Meta

from void_protocol.job import RemovalJob
from void_server.batch.listed import BadShot, once_each
from void_server.batch.manifest_row import FIELDS, ManifestRow
from void_server.batch.sources import read_sources
from void_server.batch.timeline import TimelineOptions
from void_server.cli.job_overrides import JobOverrides, with_overrides
from void_server.cli.terminal import say
from void_server.settings.declaration import DeclaredSettings, option, settings_of

Sources = Annotated[
    list[Path],
    typer.Argument(
        metavar="SOURCES...",
        help="Job files, folders of them, manifests (.csv, .json), editorial timelines (.otio, .edl).",
    ),
]


@dataclass(frozen=True, kw_only=True)
class ShotDefaults(DeclaredSettings):
    """What counts for every shot whose row or clip leaves it out; see
    :class:`~void_server.batch.manifest_row.ManifestRow` and
    :class:`~void_server.batch.timeline.TimelineOptions`."""

    plate: Annotated[
        str,
        Meta(description="Plate pattern of shots that name none; {shot} becomes the name."),
        option("--plate"),
    ] = ""
    output: Annotated[
        str, Meta(description="Result pattern; {shot} and {version} are filled in."), option("--output")
    ] = ""
    remove: Annotated[
        str, Meta(description="Mattes of what to remove: PATTERN[:CHANNEL];..."), option("--remove")
    ] = ""
    affected: Annotated[
        str, Meta(description="Mattes of what the object did to the scene."), option("--affected")
    ] = ""
    ignore: Annotated[str, Meta(description="Mattes of hold-outs."), option("--ignore")] = ""
    quadmask: Annotated[str, Meta(description="A quadmask instead of mattes."), option("--quadmask")] = ""
    prompt: Annotated[str, Meta(description="Prompt of shots that have none."), option("--prompt")] = ""
    fps: Annotated[
        Annotated[float, Meta(gt=0, le=1000)] | None,
        Meta(description="Frames per second of an EDL, which does not say its rate."),
        option("--fps", otherwise="refused for an EDL"),
    ] = None
    handles: Annotated[
        Annotated[int, Meta(ge=0, le=10000)],
        Meta(
            description="Frames more than the cut uses at both ends of each shot, where the media has them."
        ),
        option("--handles"),
    ] = 0

    @property
    def row(self) -> ManifestRow:
        """The fields of a row that the command line gives."""
        values = {one.name: getattr(self, one.name) for one in settings_of(ShotDefaults)}
        return ManifestRow(**{name: value for name, value in values.items() if name in FIELDS})

    @property
    def timeline(self) -> TimelineOptions:
        """What timelines leave open."""
        return TimelineOptions(fps=self.fps, handles=self.handles)


def listed_jobs(
    sources: Sequence[Path], defaults: ShotDefaults, overrides: JobOverrides
) -> list[RemovalJob | BadShot]:
    """Read the shots of a command line that are to be run; see :func:`listed_results`.

    Raises:
        ManifestError: when a list cannot be read, or two shots write the same files.
        JobFileError: when the only job file is not valid.
    """
    return once_each(listed_results(sources, defaults, overrides))


def listed_results(
    sources: Sequence[Path], defaults: ShotDefaults, overrides: JobOverrides, *, notes_to_stderr: bool = False
) -> list[RemovalJob | BadShot]:
    """Read the shots of a command line, tell what is passed over, and change jobs as it says. Nobody writes
    them, so that two may have the same files.

    Raises:
        ManifestError: when a list cannot be read.
        JobFileError: when the only job file is not valid.
    """
    listed = read_sources(sources, defaults.row, defaults.timeline)
    for note in listed.notes:
        say(note, to_stderr=notes_to_stderr)
    return [
        with_overrides(shot, overrides) if isinstance(shot, RemovalJob) else shot for shot in listed.shots
    ]
