"""Makes a small shot with a marker in it and has a running VOID server remove the marker.

``void serve &`` starts a server for this user; then ``python remove_marker.py FOLDER`` writes the plates and
``job.json`` into FOLDER, hands the job in, says what happens and leaves the clean plates there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its customary name

from void_protocol.client import Client
from void_protocol.errors import ProtocolError
from void_protocol.job import RemovalJob
from void_protocol.job_file import read_job, write_job
from void_protocol.keys import load_connection
from void_protocol.messages import JobState
from void_protocol.watching import WatchEvent

EXAMPLE = Path(__file__).with_name("job.json")
MARKER = (3.0, 0.2, 0.1)
"""The marker's colour, scene-linear; brighter than white, as a fluorescent one may be."""


def write_plates(job: RemovalJob) -> None:
    """Write half-float plates: a wall that moves by four pixels a frame, and a marker that stands still."""
    width, height = job.shot.format.width, job.shot.format.height
    wall = np.random.default_rng(1).uniform(0.05, 0.6, (height // 4, width // 2, 1)).repeat(4, 0).repeat(4, 1)
    for index, frame in enumerate(range(job.shot.first_frame, job.shot.last_frame + 1)):
        picture = wall[:, 4 * index : 4 * index + width] * np.array([1.0, 0.9, 0.7])
        # The job's shape counts rows from the bottom, a picture from the top.
        left, bottom = (int(value) for value in point_of(job, index, 0))
        right, top = (int(value) for value in point_of(job, index, 2))
        picture[height - top : height - bottom, left:right] = MARKER
        buffer = oiio.ImageBuf(oiio.ImageSpec(width, height, 3, "half"))
        buffer.set_pixels(oiio.ROI(), np.ascontiguousarray(picture, np.float32))
        if not buffer.write(job.shot.plate % frame):
            raise SystemExit(buffer.geterror())


def point_of(job: RemovalJob, index: int, corner: int) -> tuple[float, float]:
    """A corner of the job's shape in frame ``index``, in pixels from the picture's bottom-left corner."""
    point = job.shapes[0].frames[index].points[corner]
    return point.x, point.y


def tell(event: WatchEvent) -> None:
    """Say on the terminal what the server says of the job."""
    print(type(event).__name__, getattr(event, "frame", "") or getattr(event, "state", ""))


def main(folder: Path) -> int:
    """Make the plates and have them cleaned; the exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    job = read_job(EXAMPLE)
    # A job's relative patterns start in the folder of its file; this one's files go to another folder.
    job = msgspec.structs.replace(
        job,
        shot=msgspec.structs.replace(job.shot, plate=str(folder.resolve() / Path(job.shot.plate).name)),
        output=msgspec.structs.replace(
            job.output, pattern=str(folder.resolve() / Path(job.output.pattern).name)
        ),
    )
    write_plates(job)
    write_job(job, folder / "job.json", overwrite=True)
    try:
        with Client(load_connection()) as client:
            client.wait_connected()
            done = client.submit(job, on_event=tell).done.result(timeout=300)
    except ProtocolError as error:  # no server has run yet, or none runs now: the message says what to do
        raise SystemExit(str(error)) from None
    print(done.state.value, done.message)
    return 0 if done.state is JobState.DONE else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python remove_marker.py FOLDER")
    sys.exit(main(Path(sys.argv[1])))
