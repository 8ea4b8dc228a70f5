"""The script with which a farm's Nuke renders the plates and mattes of a chunk of frames.

It becomes a file of the bundle, because a machine with Nuke need not have this package.

It reads the frame ranges of its tasks itself for that reason, `first-last` as the bundle writes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

EXPORT_NAME = "export_frames.py"
CHUNKS_NAME = "export_chunks.txt"
"""The file of a bundle that lists the frame ranges of the tasks, because a list in a template or on a command
line has a limit."""

EXPORT_SCRIPT = '''"""Render Write nodes: nuke -t export_frames.py --script=S --write=W --chunks=FILE --task=N

FILE has a frame range A-B in each line, and N counts them from 0. Options are written with "=": Nuke takes a
bare number at the end for a frame of its own. A chunk that was interrupted is rendered again as a whole; Nuke
replaces its own files.
"""
import sys

import nuke


def options():
    found = {"script": [], "write": [], "chunks": [], "task": []}
    for word in sys.argv[1:]:
        name, _, value = word.lstrip("-").partition("=")
        if name in found:
            found[name].append(value)
    return found


def main():
    given = options()
    with open(given["chunks"][0]) as listed:
        first, last = frame_range(listed.read().split()[int(given["task"][0])])
    print("openjd_status: opening %s" % given["script"][0], flush=True)
    nuke.scriptOpen(given["script"][0])
    for index, name in enumerate(given["write"]):
        node = nuke.toNode(name)
        if node is None:
            print("openjd_fail: %s has no node %s" % (given["script"][0], name), flush=True)
            return 1
        for frame in range(first, last + 1):
            done = index + (frame - first) / (last - first + 1.0)
            print("openjd_progress: %.1f" % (100.0 * done / len(given["write"])), flush=True)
            print("openjd_status: %s frame %d" % (name, frame), flush=True)
            nuke.execute(node, frame, frame)
    return 0


def frame_range(text):
    """Both may be negative."""
    middle = text.index("-", 1)
    return int(text[:middle]), int(text[middle + 1 :])


if __name__ == "__main__":
    sys.exit(main())
'''


def write_export(folder: Path, chunks: Iterable[tuple[int, int]]) -> None:
    """Write the script and the list of frame ranges into a bundle's folder."""
    (folder / EXPORT_NAME).write_text(EXPORT_SCRIPT, encoding="utf-8")
    (folder / CHUNKS_NAME).write_text(
        "".join(f"{first}-{last}\n" for first, last in chunks), encoding="ascii"
    )
