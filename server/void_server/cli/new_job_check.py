"""What ``void new`` looks at before it writes a job: whatever would make the removal fail at its start."""

from __future__ import annotations

from contextlib import ExitStack

from void_engine.engines.registry import AUTO, engine_info, engine_name, make_engine
from void_engine.errors import SettingError
from void_engine.removal_checks import check_engine, check_headers
from void_protocol.job import RemovalJob
from void_server.translate import removal_request


def check_new_job(job: RemovalJob) -> None:
    """Look at the engine's name, its options and the prompt, and at the header of every file of the shot.

    Raises:
        EngineError: for what the removal would refuse at its start: an engine or an option that does not
            exist, a missing frame, a matte of another size or without the channel, a view or layer that is
            not there.
    """
    asked = job.settings.engine
    with ExitStack() as files:
        name = engine_name(asked)
        request = removal_request(job, files, engine_name=name)
        if asked != AUTO and not engine_info(name).problem():
            check_engine(request, make_engine(name), is_here=False)
        elif asked != AUTO and engine_info(name).needs_prompt and not job.settings.prompt.strip():
            raise SettingError(f"the prompt is empty and {name!r} needs one; give it with --prompt")
        check_headers(request)
