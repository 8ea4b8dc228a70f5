"""One session of a host, as a process of its own.

Called as ``python -m tests.integration.openfx_session FOOTAGE < SPEC``, where the specification is JSON:
``binary``, ``folder`` of results, ``values`` of the effect, and what is done: ``die`` kills the process after
Remove was pressed; otherwise it waits for the removal, renders a frame and closes. What it says is JSON too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from tests.fakes.ofx_host import profiles
from tests.integration import openfx_case as case


def main() -> None:
    """Run the session."""
    spec = json.load(sys.stdin)
    footage = case.footage_of(Path(sys.argv[1]))
    host = case.session_of(profiles.NATRON, Path(spec["binary"]))
    made = case.effect(host, footage, Path(spec["folder"]), values=spec["values"])
    made.press("remove")
    told = {"record": made.value("record"), "status": made.value("status"), "values": made.save()}
    if spec.get("die"):
        print(json.dumps(told), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    case.wait(made)
    made.render(footage.frames[0])
    for profile_time in footage.plates:
        made.picture(profile_time)
    host.close()
    host.check()
    print(json.dumps({**told, "status": made.value("status")}), flush=True)


if __name__ == "__main__":
    main()
