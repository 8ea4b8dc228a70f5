"""Decides how a job's files reach the server: by path when the server proves that it sees them, else sent."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from void_protocol.errors import ResultFileError, ServerError, TransferError
from void_protocol.frame_list import describe_frames
from void_protocol.job import RemovalJob
from void_protocol.job_file import encode_job
from void_protocol.manifest import InputFile, input_files, measure_inputs
from void_protocol.messages import (
    GetJob,
    JobInfo,
    JobReply,
    ManifestEntry,
    Proof,
    ProofFile,
    Prove,
    Submit,
    Transfer,
)
from void_protocol.proof import FolderProbe, digest_file, encode_challenge, new_nonce, plan_challenge
from void_protocol.sequence import absolute_pattern, frame_path
from void_protocol.session import Session
from void_protocol.wire import encode_manifest

TransferChoice = Literal["auto", "paths", "streamed"]
_PROOF_S = 60.0


@dataclass(frozen=True)
class Submission:
    """What is sent for one job, and the files behind it."""

    message: Submit
    payloads: list[bytes]
    files: list[InputFile]
    entries: list[ManifestEntry]


def absolute_job(job: RemovalJob) -> RemovalJob:
    """Return the job with every pattern made absolute on this machine."""
    return job.with_patterns(absolute_pattern)


def plan_submission(
    session: Session,
    job: RemovalJob,
    choice: TransferChoice,
    priority: int = 0,
    *,
    again: bool = False,
    replaces: Collection[int] = (),
) -> Submission:
    """Measure the files, let the server prove what it sees, and decide how they travel. This blocks. With
    ``again``, a job that the server knows as failed or cancelled is to begin again. Files of the frames in
    ``replaces`` may be there already.

    Raises:
        JobError: when the job is not valid.
        TransferError: when files are missing, results exist already, or ``choice`` is ``paths`` and the
            server does not see the files.
        ServerError, ServerUnreachableError: as the server answers.
    """
    text = encode_job(job)
    files = list(input_files(job))
    entries = measure_inputs(files)
    known = _known_job(session, job.job_id)
    if known is not None:
        inputs, outputs = known.inputs, known.outputs
        again = again and known.state.can_begin_again
    else:
        again = False
        refuse_existing_results(job, replaces)
        inputs, outputs = _choose(session, job, files, entries, choice)
    payloads = [text]
    if inputs == "streamed":
        payloads.append(encode_manifest(entries))
    message = Submit(request=0, inputs=inputs, outputs=outputs, priority=priority, again=again)
    return Submission(message, payloads, files, entries)


def refuse_existing_results(job: RemovalJob, replaces: Collection[int] = ()) -> None:
    """Raise ResultFileError when a new job would have to overwrite files of its output, other than those of
    the frames in ``replaces``."""
    pattern = job.output.versioned_pattern
    there = [
        frame
        for frame in job.shot.frame_numbers
        if frame not in replaces and frame_path(pattern, frame).exists()
    ]
    if there:
        raise ResultFileError(
            f"the output has {describe_frames(there)} already ({frame_path(pattern, there[0])}); "
            "results are never overwritten: raise output.version or choose another name"
        )


def _known_job(session: Session, job_id: str) -> JobInfo | None:
    try:
        reply, _ = session.request(GetJob(request=0, job_id=job_id)).result()
    except ServerError as error:
        if error.code == "unknown_job":
            return None
        raise
    return reply.job if isinstance(reply, JobReply) else None


def _choose(
    session: Session,
    job: RemovalJob,
    files: Sequence[InputFile],
    entries: Sequence[ManifestEntry],
    choice: TransferChoice,
) -> tuple[Transfer, Transfer]:
    if choice == "streamed":
        return "streamed", "streamed"
    inputs_problem, outputs_problem = prove_paths(session, job, files, entries)
    problem = inputs_problem or outputs_problem
    if choice == "paths" and problem:
        raise TransferError(f"the server does not work on this machine's paths: {problem}")
    return "streamed" if inputs_problem else "paths", "streamed" if outputs_problem else "paths"


def prove_paths(
    session: Session, job: RemovalJob, files: Sequence[InputFile], entries: Sequence[ManifestEntry]
) -> tuple[str, str]:
    """Let the server prove that it sees the input files, and the output folder. For each of the two the
    answer is why not, or an empty text when it is proven.

    Raises:
        ResultFileError: when the output folder cannot be made or written to here.
        ServerError, ServerUnreachableError: as the server answers.
    """
    welcome = session.wait_connected(_PROOF_S)
    nonce = new_nonce()
    challenge = plan_challenge(files, entries, welcome.limits.proof_files)
    folder = frame_path(job.output.versioned_pattern, job.shot.first_frame).parent
    try:
        with FolderProbe(folder) as probe:
            message = Prove(
                request=0, nonce=nonce.hex(), files=encode_challenge(challenge), folder=probe.request
            )
            reply, _ = session.request(message, timeout_s=_PROOF_S).result()
            if not isinstance(reply, Proof) or len(reply.files) != len(challenge):
                raise ServerError("bad_message", "the server's proof does not fit the question")
            answer = reply.folder
            is_answered = answer is not None and probe.is_answered(nonce, answer.digest)
            outputs_problem = ""
            if not is_answered:
                why = answer.problem if answer is not None else ""
                outputs_problem = why or f"it sees another folder than {folder}"
    except ServerError as error:
        if error.code != "storage":  # else it cannot look at paths now, and takes the files instead
            raise
        return str(error), str(error)
    except OSError as error:
        raise ResultFileError(
            f"cannot write to the output folder {folder}: {error.strerror or error}"
        ) from error
    for asked, told in zip(challenge, reply.files, strict=True):
        if told.digest is None:
            return told.problem or f"it does not see {asked.path}", outputs_problem
        if not hmac.compare_digest(told.digest, _own_digest(nonce, asked)):
            return f"it sees other content in {asked.path}", outputs_problem
    return "", outputs_problem


def _own_digest(nonce: bytes, asked: ProofFile) -> str:
    try:
        return digest_file(nonce, Path(asked.path), asked.ranges)
    except OSError as error:
        raise TransferError(f"cannot read {asked.path}: {error.strerror or error}") from error
