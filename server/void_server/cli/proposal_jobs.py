"""Jobs for proposals and mattes that a command lets the server run."""

from __future__ import annotations

from pathlib import Path

from void_protocol.job import RemovalJob
from void_protocol.proposal import ProposalReport, report_of_frames
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.jobs import connected_client
from void_server.cli.progress import StageProgress
from void_server.cli.remote import JobDisplay, wait_shown


def report_from_server(
    asked: RemovalJob, bars: StageProgress, home: Path | None, endpoint: str | None
) -> ProposalReport:
    """Let the server run the job, and return the report, which lies beside the mattes then.

    Raises:
        CommandError: when the job failed, or this machine does not see its files.
        ProtocolError: when the server cannot be reached or refuses.
    """
    display = JobDisplay(bars)
    with connected_client(home, endpoint) as client:
        remote = client.submit(asked, on_event=display.on_event, again=True)
        try:
            wait_shown(remote.done, display)
        except KeyboardInterrupt:
            raise CommandError(
                f"no longer watching; job {asked.job_id} goes on at the server. 'void fetch "
                f"{asked.job_id[:8]}' brings its mattes, 'void cancel {asked.job_id[:8]}' stops it",
                ExitCode.CANCELLED,
            ) from None
    return report_read(asked.output.versioned_pattern, asked)


def report_read(pattern: str, job: RemovalJob) -> ProposalReport:
    """Read what the mattes of a job's frames say.

    Raises:
        CommandError: when they are not there, or are no proposal.
    """
    report = report_of_frames(pattern, job.shot.frame_numbers)
    if report is None:
        raise CommandError(f"{pattern}: the mattes are not here, or say nothing", ExitCode.BAD_OUTPUT)
    return report
