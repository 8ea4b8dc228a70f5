"""Nodes and their inputs, as the stack of a script makes them."""

from __future__ import annotations

import pytest

from void_server.roto_files.errors import RotoFileError
from void_server.roto_files.script import ScriptNode, read_script


def named(text: str) -> dict[str, ScriptNode]:
    return {node.path: node for node in read_script(text.encode(), "s.nk").nodes}


def inputs(node: ScriptNode) -> list[str | None]:
    return [None if source is None else source.path for source in node.inputs]


def test_a_node_takes_its_inputs_from_the_top_of_the_stack() -> None:
    nodes = named(
        "Read {\n inputs 0\n name A\n}\nset N1 [stack 0]\nRead {\n inputs 0\n name B\n}\npush $N1\n"
        "Merge2 {\n inputs 2\n name M\n}\npush 0\nGrade {\n name G\n}\npush $N1\npush $N1\nKeymix {\n "
        "inputs 2+1\n name K\n}"
    )
    assert inputs(nodes["M"]) == ["A", "B"]
    assert inputs(nodes["G"]) == [None]
    assert inputs(nodes["K"]) == ["A", "A", "G"]


def test_nodes_in_groups_have_the_groups_in_their_path_and_their_own_stack() -> None:
    nodes = named(
        "Read {\n inputs 0\n name R\n}\nGroup {\n name G1\n}\n Input {\n inputs 0\n name Input1\n }\n "
        "Group {\n  name Inner\n }\n"
        "  Roto {\n   inputs 0\n   name Roto1\n  }\n end_group\n Output {\n  name Output1\n "
        "}\nend_group\nDot {\n name D\n}\n"
    )
    assert inputs(nodes["D"]) == ["G1"]
    assert inputs(nodes["G1"]) == ["R"]
    assert inputs(nodes["G1.Inner"]) == ["G1.Input1"]
    assert inputs(nodes["G1.Inner.Roto1"]) == []
    assert inputs(nodes["G1.Output1"]) == ["G1.Inner"]


def test_a_clone_has_the_knobs_of_its_node_and_its_own_inputs() -> None:
    text = (
        "clone node1|Grade|7 Grade {\n inputs 0\n white 2\n name G\n}\nset C1 [stack 0]\nRead {\n "
        "inputs 0\n name R\n}\n"
        "clone $C1 {\n xpos 3\n}\nDot {\n name D\n}"
    )
    clone = named(text)["D"].inputs[0]
    assert clone is not None
    assert (clone.class_name, clone.text("white"), inputs(clone)) == ("Grade", "2", ["R"])


def test_a_live_group_opens_only_where_its_inside_is_written() -> None:
    closed = named("LiveGroup {\n inputs 0\n name L\n}\nDot {\n name D\n}")
    opened = named("LiveGroup {\n inputs 0\n name L\n}\nDot {\n inputs 0\n name D\n}\nend_group\n")
    assert inputs(closed["D"]) == ["L"]
    assert "L.D" in opened


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00\x01\x02encrypted", "encrypted"),
        (b"8JHksd09+/xxyy==", "encrypted"),
        (b"Roto {\n name R\n", "line 1"),
    ],
)
def test_what_is_no_script_is_refused_by_name(data: bytes, words: str) -> None:
    with pytest.raises(RotoFileError, match=r"s\.nk.*" + words):
        read_script(data, "s.nk")


def test_an_empty_script_has_no_nodes() -> None:
    assert read_script(b"\n", "s.nk").nodes == []


def test_commands_of_tcl_are_no_nodes() -> None:
    text = "version 15.1\npython {print(1)}\nif {1} {\n}\nproc f {} {}\nDot {\n inputs 0\n}"
    assert list(named(text)) == ["Dot"]
