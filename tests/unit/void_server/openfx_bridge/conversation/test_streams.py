from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.fakes.openfx_standin import pack
from void_server.openfx_bridge.conversation.streams import Streams

CODE = """
import os
from void_server.openfx_bridge.conversation.streams import Streams
streams = Streams.of_this_process()
print("noise", flush=True)
os.system("echo more noise")
os.write(1, b"still more")
for message in streams.messages():
    streams.send({"type": "answer", "id": message["id"], "read": repr(os.read(0, 10))})
"""


def run(data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", CODE], input=data, capture_output=True, timeout=60)


def test_what_libraries_print_and_read_is_no_part_of_the_conversation() -> None:
    done = run(pack({"type": "hello", "id": 1}) + pack({"type": "hello", "id": 2}))

    assert done.stdout == b"".join(pack({"type": "answer", "id": n, "read": "b''"}) for n in (1, 2))
    assert [word in done.stderr for word in (b"noise", b"more noise", b"still more")] == [True] * 3


@pytest.mark.skipif(os.name != "posix", reason="descriptors of POSIX")
def test_what_a_host_has_open_is_closed() -> None:
    read, write = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-c", CODE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(write,),
    )
    os.close(write)
    with child:
        assert os.read(read, 1) == b""  # the last one that could write is closed, though the child lives
        assert child.poll() is None
        child.communicate()
    os.close(read)


def test_a_reader_that_is_gone_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    Streams(read, write).send({"type": "event"})
    os.close(write)
