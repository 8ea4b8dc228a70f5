"""A client in another language, written from the documents alone, against a real server.

It is ``tests/foreign/javascript``, for Node with the ``zeromq`` package. Where it fails, either the server or
a document is wrong.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.command_case import void
from tests.integration.server_case import CHECKOUT, server_for
from void_server.operation.server_process import ServerProcess

CLIENT = CHECKOUT / "tests" / "foreign" / "javascript"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    # A client that a busy machine holds up for four seconds is not lost.
    with server_for(tmp_path_factory.mktemp("home"), heartbeat_s=1.0) as running:
        yield running


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """The folder with the client's packages. They are fetched once for each environment, as the lock file
    pins them, and without running what they bring along."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no Node (node and npm) for the client in JavaScript")
    lock = (CLIENT / "package-lock.json").read_bytes()
    folder = Path(sys.prefix) / "foreign_client" / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "node_modules").is_dir():
        scratch = folder.with_name(f"{folder.name}.{os.getpid()}")
        try:
            scratch.mkdir(parents=True)
        except OSError as error:
            pytest.skip(f"there is no place for the packages of the client in JavaScript: {error}")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(CLIENT / name, scratch)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
        command += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000"]
        try:
            ran = subprocess.run(
                command, cwd=scratch, capture_output=True, text=True, timeout=120, check=False
            )
            problem = "" if ran.returncode == 0 else ran.stderr.strip().split("\n")[0]
        except subprocess.TimeoutExpired:
            problem = "no answer for two minutes"
        if problem:
            shutil.rmtree(scratch)
            pytest.skip(f"npm cannot fetch the packages of the client in JavaScript: {problem}")
        try:
            scratch.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(scratch)
    return folder / "node_modules"


def test_a_client_in_javascript_written_from_the_documents_holds_every_conversation(
    server: ServerProcess, node_modules: Path, tmp_path: Path
) -> None:
    home, colleague, folder = server.settings.home, tmp_path / "anna", tmp_path / "files"
    made = void("keys", "new-client", "anna", colleague, "--home", home)
    assert made.code == 0, made.err
    folder.mkdir()
    ran = subprocess.run(
        ["node", str(CLIENT / "conversation.js"), str(home), str(colleague), str(folder)],
        env={**os.environ, "NODE_PATH": str(node_modules)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    problems = [f"{each['name']}: {each['problem']}" for each in told if each["problem"]]
    assert not problems, "\n\n".join(problems)
    assert ran.returncode == 0, ran.stderr
    assert len(told) >= 18, "the client left before its last conversation"
