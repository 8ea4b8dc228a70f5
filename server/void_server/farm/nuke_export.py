"""The script with which a farm's Nuke renders the plates and mattes of a chunk of frames.

It becomes a file of the bundle, because a machine with Nuke need not have this package.

It reads the frame ranges of its tasks itself for that reason, `first-last` as the bundle writes them.
"""

EXPORT_NAME = "export_frames.py"

EXPORT_SCRIPT = '''"""Render Write nodes: nuke -t export_frames.py --script=S --write=W --frames=A-B

Options are written with "=": Nuke takes a bare number at the end for a frame of its own. A chunk that was
interrupted is rendered again as a whole; Nuke replaces its own files.
"""
import sys

import nuke


def options():
    found = {"script": [], "write": [], "frames": [], "task": []}
    for word in sys.argv[1:]:
        name, _, value = word.lstrip("-").partition("=")
        if name in found:
            found[name].append(value)
    return found


def main():
    given = options()
    # A farm that counts tasks gives all ranges and the number of its own.
    first, last = frame_range(given["frames"][int(given["task"][0]) if given["task"] else 0])
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
