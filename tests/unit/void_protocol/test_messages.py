"""The document for strangers names everything that the code says."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from void_protocol.messages import (
    ClientMessage,
    EngineDescription,
    ErrorCode,
    JobInfo,
    JobState,
    Limits,
    OptionDescription,
    ProgressInfo,
    ServerMessage,
)

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text("utf-8")


def rows(section: str) -> dict[str, str]:
    """The tables of one section: first cell to line."""
    text = DOCUMENT.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}


MESSAGES = rows("Every message")


def test_every_message_is_documented_with_its_members() -> None:
    undocumented = [
        f"{kind.__name__}.{member}"
        for kind in get_args(ClientMessage) + get_args(ServerMessage)
        for member in kind.__struct_fields__
        if f"`{member}`" not in MESSAGES.get(str(kind.__struct_config__.tag), "")
    ]
    assert undocumented == [], "docs/protocol.md lacks these in its table 'Every message'"


def test_nothing_is_documented_that_is_not_there() -> None:
    tags = {str(kind.__struct_config__.tag) for kind in get_args(ClientMessage) + get_args(ServerMessage)}
    assert set(MESSAGES) == tags
    assert set(rows("Errors")) == set(get_args(ErrorCode))
    assert set(rows("Limits")) == set(Limits.__struct_fields__)


def test_parts_of_messages_are_documented() -> None:
    for kind in (JobInfo, ProgressInfo, EngineDescription, OptionDescription):
        for member in kind.__struct_fields__:
            assert f"`{member}`" in DOCUMENT, (kind, member)
    for state in JobState:
        assert f"`{state.value}`" in DOCUMENT


def test_final_states() -> None:
    assert [state.value for state in JobState if state.is_final] == ["done", "failed", "cancelled"]
