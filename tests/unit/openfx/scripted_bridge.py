"""A bridge that does what a test says: it answers by the protocol, keeps what it is handed, and misbehaves.

It is run in place of the real one: ``python scripted_bridge.py FOLDER MODE``. What comes is kept in FOLDER,
the messages in ``messages.jsonl``. A picture of its is 4 wide and 3 high, with weight in its left half.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from pathlib import Path

WIDTH, HEIGHT = 4, 3
RECORD = "a record of the scripted bridge"


def colour(frame: int, x: int, y: int) -> tuple[float, float, float, float]:
    """A pixel of the picture: three values that are exact as halves, and the weight."""
    return (frame + x / 4, y / 4 - 1, 2.5, 1.0 if x < WIDTH // 2 else 0.0)


def read() -> dict[str, str] | None:
    """The next message of the plug-in."""
    head = sys.stdin.buffer.read(4)
    if len(head) < 4:
        return None
    payload = sys.stdin.buffer.read(struct.unpack("<I", head)[0])
    fields, at = {}, 0
    while at < len(payload):
        key, value = struct.unpack_from("<HI", payload, at)
        at += 6
        fields[payload[at : at + key].decode()] = payload[at + key : at + key + value].decode()
        at += key + value
    return fields


def say(fields: dict[str, object]) -> None:
    """Send a message."""
    payload = b""
    for key, value in fields.items():
        name, text = key.encode(), str(value).encode()
        payload += struct.pack("<HI", len(name), len(text)) + name + text
    sys.stdout.buffer.write(struct.pack("<I", len(payload)) + payload)
    sys.stdout.buffer.flush()


def keep(folder: Path, message: dict[str, str]) -> None:
    """Keep the pixels of a ``frame``: as many bytes as its message says. The file is the bridge's."""
    assert message["given"] == "1"
    rows = int(message["y2"]) - int(message["y1"])
    with (folder / "pixels" / message["file"]).open("rb") as file:
        file.seek(int(message["offset"]))
        pixels = file.read(rows * int(message["row_bytes"]))
    (folder / "pixels" / message["file"]).unlink()
    (folder / f"{message['role']}.{message['frame']}.raw").write_bytes(pixels)


def picture(folder: Path, message: dict[str, str], mode: str) -> dict[str, object]:
    """The answer to ``picture``, with its file."""
    frame = int(message["frame"])
    if frame >= 100:
        return {"state": "outside"}
    if frame >= 50:
        return {"state": "missing", "text": "Frame 50 is still being made."}
    rows = [colour(frame, x, y) for y in range(HEIGHT) for x in range(WIDTH)]
    name = f"picture-{frame}.raw"
    # Every other frame comes as halves.
    depth, code = ("half", "4e") if frame % 2 else ("float", "4f")
    data = b"".join(struct.pack(code, *pixel) for pixel in rows)
    (folder / "pixels" / name).write_bytes(b"\0" * 16 + (data[:-4] if mode == "short-file" else data))
    answer: dict[str, object] = {"state": "ready", "file": name, "offset": 16, "depth": depth}
    answer["row_bytes"] = len(data) // HEIGHT
    answer |= {"width": WIDTH, "height": HEIGHT, "components": 4, "x1": 0, "y1": 0, "x2": WIDTH, "y2": HEIGHT}
    if mode == "path-out":
        answer["file"] = f"../pixels/{name}"
    if mode == "huge":
        answer |= {"width": 1 << 40, "row_bytes": 1 << 50}
    if mode == "negative":
        answer["offset"] = -64
    return answer


def main() -> None:
    """Answer until the plug-in hangs up."""
    folder, mode = Path(sys.argv[1]), sys.argv[2]
    (folder / "pixels").mkdir(exist_ok=True)
    (folder / "starts").open("a").write(f"{os.getpid()}\n")
    (folder / "environment.json").write_text(json.dumps(dict(os.environ)))
    (folder / "arguments.json").write_text(json.dumps(sys.argv[3:]))
    (folder / "descriptors.json").write_text(
        json.dumps(sorted(int(path.name) for path in Path("/proc/self/fd").iterdir()))
    )
    log = (folder / "messages.jsonl").open("a", buffering=1)
    if mode == "no-module":
        sys.exit("/usr/bin/python: No module named void_server")
    if mode == "garbage":
        sys.stdout.buffer.write(b"Welcome to this Python!\n" * 10)
        sys.stdout.buffer.flush()
    frames = 0
    while (message := read()) is not None:
        log.write(json.dumps(message) + "\n")
        kind = message["type"]
        answer: dict[str, object] = {"type": "answer", "id": message["id"], "ok": 1}
        if kind == "hello":
            if mode == "slow-start":
                time.sleep(1)
            if mode == "mute":
                time.sleep(3600)
            if mode == "refuses":
                answer |= {"ok": 0, "error": "The bridge speaks version 9 of the protocol."}
            answer |= {"protocol": 1, "folder": folder / "pixels", "room_bytes": 1 << 28}
        elif kind == "begin":
            answer["removal"] = "r1"
        elif kind == "frame":
            frames += 1
            starts = len((folder / "starts").read_text().split())
            if frames == 3 and (mode == "dies-at-frame" or (mode == "dies-at-first-frame" and starts == 1)):
                os._exit(3)
            if mode == "disk-full" and frames == 3:
                answer |= {"ok": 0, "error": "The disk of the result is full: free 3 GB."}
            try:
                keep(folder, message)
            except FileNotFoundError:  # the plug-in has given the removal up meanwhile
                answer |= {"ok": 0, "error": "gone"}
        elif kind == "source":
            answer["taken"] = 0 if mode == "graded" else 1
        elif kind == "submit":
            if mode == "dies-at-submit" and len((folder / "starts").read_text().split()) == 1:
                os._exit(3)
            answer |= {"record": RECORD, "state": "running", "text": "Frame 0 of 3.", "revision": "0"}
        elif kind == "status":
            answer |= {
                "state": "running",
                "text": "Frame 1 of 3, about 40 s left.",
                "revision": "1",
                "log": "a\nb",
            }
        elif kind == "cancel":
            answer["text"] = "Cancelled after frame 1."
        elif kind == "picture":
            if mode == "dies-once" and len((folder / "starts").read_text().split()) == 1:
                os._exit(3)
            if mode == "dies-always":
                os._exit(3)
            answer |= picture(folder, message, mode)
        say(answer)
        if kind == "submit":
            say(
                {
                    "type": "event",
                    "record": RECORD,
                    "state": "running",
                    "text": "Frame 2 of 3.",
                    "revision": "2",
                }
            )
    if mode == "lingers":
        time.sleep(3)
        (folder / "finished").touch()


if __name__ == "__main__":
    main()
