"""What the server's Python says of its engines, or does not say."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import msgspec
import pytest

from tests.fakes.told_engines import TOLD
from void_nuke.batch.installed_engines import installed_engines


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (f"print({msgspec.json.encode(TOLD).decode()!r}); print('a warning', file=sys.stderr)", list(TOLD)),
        ("print('[]' if os.environ.get('LD_LIBRARY_PATH') is None else 'bent')", []),
        ("sys.exit(2)", None),
        ("print('No such command')", None),
    ],
)
def test_what_an_installation_says(
    code: str,
    found: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nuke/lib")
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\nimport os, sys\n{code}\n")
    python.chmod(0o755)
    with caplog.at_level(logging.WARNING):
        assert installed_engines(str(python)) == found
    assert ("does not say which engines it has" in caplog.text) == (found is None)


def test_a_python_that_cannot_be_started(tmp_path: Path) -> None:
    assert installed_engines(str(tmp_path / "nothing")) is None
