"""Exports plates, mattes and job files of many shots in a Nuke without a GUI: ``nuke -t headless.py ...``.

Nuke runs this file as a script, so its imports are absolute; Nuke's start-up has put the plug-in's folder on
the path. ``docs/nuke.md`` describes the command line and the list of shots.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Optional

import msgspec

from void_nuke.batch.farm_order import TARGETS, FarmOrder, hand_over
from void_nuke.batch.server_python import installed_server_python
from void_nuke.batch.shot_list import ShotWanted, pick_of, read_shots
from void_nuke.errors import HostError, SelectionError
from void_nuke.export.export import export_removal
from void_nuke.export.job_builder import build_job
from void_nuke.export.version_choice import next_version
from void_nuke.host.host import Host
from void_protocol.errors import ProtocolError
from void_protocol.job import new_job_id
from void_protocol.job_file import write_job
from void_protocol.printable import log_on_stderr

DONE, SOME_FAILED, WRONG_USAGE = 0, 1, 2
"""The exit statuses."""
_log = logging.getLogger("void_nuke.headless")


class ExportReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the export of one shot went."""

    name: str
    state: Literal["exported", "skipped", "failed"]
    job: str
    """Path of the job's file."""
    message: str = ""
    left_out: list[str] = []
    """What of the roto could not travel as a shape, one line for each."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How the export of all shots went."""

    shots: list[ExportReport]
    farm: Optional[str] = None  # noqa: UP045 - evaluated by msgspec on Python 3.10
    """The last line of the farm's command; null where no farm was asked for."""

    def count(self, state: str) -> int:
        return sum(shot.state == state for shot in self.shots)


def run(host: Host, arguments: Sequence[str]) -> int:
    """Export what ``arguments`` ask for, and return the exit status.

    Raises:
        SystemExit: when the arguments are wrong.
    """
    options = _parse(arguments)
    folder = Path(options.jobs).absolute()
    try:
        shots = [
            shot for shot in read_shots(Path(options.shots)) if not options.only or shot.name in options.only
        ]
        strangers = sorted(set(options.only) - {shot.name for shot in shots})
        if strangers or not shots:
            raise SelectionError(
                f"no shot {', '.join(strangers) or 'at all'} in {options.shots}; check the list"
            )
        folder.mkdir(parents=True, exist_ok=True)
    except (HostError, OSError) as error:
        _log.error("%s", error)
        return WRONG_USAGE
    reports = _export_all(host, shots, options.script, folder, again=options.again)
    said, is_handed_over = None, True
    if options.farm:
        said, is_handed_over = _to_farm(options, reports)
    report = Report(shots=reports, farm=said)
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
    _log.info(
        "%d exported, %d skipped as already done, %d failed; %s",
        *(report.count(state) for state in ("exported", "skipped", "failed")),
        folder / "report.json",
    )
    return DONE if is_handed_over and not report.count("failed") else SOME_FAILED


def _export_all(
    host: Host, shots: Sequence[ShotWanted], script: str, folder: Path, *, again: bool
) -> list[ExportReport]:
    """Export every shot. A shot that fails does not keep the others from being exported."""
    reports: list[ExportReport] = []
    taken: list[str] = []
    opened = ""
    for number, shot in enumerate(shots, 1):
        path = folder / f"{shot.name}.json"
        _log.info("[%d/%d] %s", number, len(shots), shot.name)
        if path.exists() and not again:
            words = f"{path} is there; --again exports it anew"
            reports.append(ExportReport(name=shot.name, state="skipped", job=str(path), message=words))
            continue
        try:
            wanted = shot.script or script
            if wanted and wanted != opened:
                opened = ""
                host.open_script(wanted)
                opened = wanted
            reports.append(_export(host, shot, path, taken))
        except (HostError, ProtocolError, OSError) as error:
            _log.error("%s: %s", shot.name, error)
            reports.append(ExportReport(name=shot.name, state="failed", job=str(path), message=str(error)))
    return reports


def _export(host: Host, shot: ShotWanted, path: Path, taken: list[str]) -> ExportReport:
    """Export plate and mattes into a folder beside the job's file. No files stay of a shot that fails or is
    interrupted. ``taken`` has the result patterns of the shots before, whose frames do not exist yet."""
    pick = pick_of(host, shot)
    version = next_version(pick.output_pattern, taken)
    folder = path.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    path.unlink(missing_ok=True)
    is_whole = False
    try:
        exported = export_removal(host, pick, folder)
        job = build_job(pick, exported, job_id=new_job_id(), version=version)
        write_job(job, path)
        taken.append(job.output.versioned_pattern)
        is_whole = True
    finally:
        if not is_whole:
            shutil.rmtree(folder, ignore_errors=True)
    for line in exported.left_out:
        _log.warning("%s, not carried: %s", shot.name, line)
    return ExportReport(name=shot.name, state="exported", job=str(path), left_out=list(exported.left_out))


def _to_farm(options: argparse.Namespace, reports: Sequence[ExportReport]) -> tuple[str, bool]:
    jobs = [Path(one.job) for one in reports if one.state != "failed"]
    if not jobs:
        return "nothing to hand over", False
    order = FarmOrder(options.farm, options.python or installed_server_python())
    target = Path(options.bundle or Path(options.jobs) / f"farm_{options.farm}").absolute()
    try:
        said = hand_over(order, jobs, target)
    except HostError as error:
        _log.error("%s", error)
        return str(error), False
    return said or str(target), True


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="nuke -t headless.py",
        description="Export plates and mattes of many shots and write a job file for each.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "script", nargs="?", default="", help="the script; not needed where each shot names its own"
    )
    parser.add_argument("--shots", required=True, metavar="FILE", help="the list of shots, JSON")
    parser.add_argument("--jobs", required=True, metavar="DIR", help="for job files, plates and mattes")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="only this shot; may be repeated"
    )
    parser.add_argument("--again", action="store_true", help="also shots whose job file is there")
    parser.add_argument("--farm", choices=tuple(TARGETS), help="hand the jobs to this farm afterwards")
    parser.add_argument("--bundle", metavar="DIR", help="for the farm's files (default: in the jobs' folder)")
    parser.add_argument("--python", metavar="FILE", help="the server's Python, for the farm's command")
    return parser.parse_args(list(arguments))


def main() -> int:
    """Run inside Nuke, with the arguments of its command line."""
    from void_nuke.host.nuke_host import NukeHost  # imported here because only Nuke has what it imports

    log_on_stderr("%(levelname)s %(message)s")
    return run(NukeHost(), sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
