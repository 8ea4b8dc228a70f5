from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.pixels.folder import PixelFolder

CODE = """
import sys
from pathlib import Path
from void_server.openfx_bridge.pixels.folder import PixelFolder
print(PixelFolder(Path(sys.argv[1])).path, flush=True)
sys.stdin.read()
"""


def test_a_folder_is_private_and_goes_with_its_process(tmp_path: Path) -> None:
    folder = PixelFolder(tmp_path)
    (folder.path / "picture-0.raw").write_bytes(b"x")

    assert folder.path.is_relative_to(tmp_path)
    if os.name == "posix":
        assert folder.path.stat().st_mode & 0o777 == 0o700
    assert folder.room_bytes >= 64 << 20
    folder.remove()
    assert not folder.path.exists()


def test_what_a_killed_bridge_left_goes_and_what_a_living_one_uses_stays(tmp_path: Path) -> None:
    killed, living = (
        subprocess.Popen(
            [sys.executable, "-c", CODE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    )
    with killed, living:
        assert killed.stdout is not None
        assert living.stdout is not None
        left, used = (Path(one.stdout.readline().decode().strip()) for one in (killed, living))
        (left / "plate-0.raw").write_bytes(b"x")
        killed.kill()
        killed.wait()
        own = PixelFolder(tmp_path)

        assert not left.exists()
        assert used.is_dir()
        assert own.path.is_dir()
        living.kill()


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    if os.name != "posix":
        pytest.skip("permissions of POSIX")
    root = PixelFolder(tmp_path).path.parent
    root.chmod(0o777)
    with pytest.raises(BridgeError, match="private folder"):
        PixelFolder(tmp_path)
