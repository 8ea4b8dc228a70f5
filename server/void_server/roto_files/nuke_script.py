"""Reads the roto nodes of a Nuke script or gizmo, those in groups included."""

from __future__ import annotations

import re

from void_server.roto_files.errors import RotoFileError, ScriptSyntaxError
from void_server.roto_files.model import RotoCurve, RotoFile, RotoNode
from void_server.roto_files.nuke_curves import ViewChoice, read_curves
from void_server.roto_files.script import Script, ScriptNode, read_script
from void_server.roto_files.tcl import line_of, parse_list

_OLD_GROUP = re.compile(r"NodeName:\s*\"([^\"]*)\"|CurveGroup:|NumOfPoints:\s*(\d{1,6})|PaintStroke:|Stroke:")
_OLD = "it is written in the form of Nuke 6; open the script in a newer Nuke and save it"
_ROTO_CLASSES = frozenset({"Roto", "RotoPaint"})


def read_nuke_script(data: bytes, name: str, view: str | None = None) -> RotoFile:
    """Read a script.

    Args:
        data: the bytes of the file.
        name: the file's name, for errors.
        view: the stereo view whose shapes are wanted; None for the script's first.

    Raises:
        RotoFileError: when the file is encrypted, breaks off, or has no such view.
    """
    script = read_script(data, name)
    views = choose_view(script, view, name)
    nodes = []
    for node in script.nodes:
        try:
            curves = _curves_of(node, views)
        except ScriptSyntaxError as error:
            raise RotoFileError(f"{name}, line {line_of(script.text, error.at)}: {error.reason}") from error
        if curves or node.class_name in _ROTO_CLASSES:
            nodes.append(RotoNode(node.path, node.class_name, tuple(curves), node))
    return RotoFile(name, "Nuke script", tuple(nodes), script)


def script_views(script: Script) -> list[str]:
    """Return the names of a script's stereo views; one without a list of them has ``main``."""
    lines = script.root.text("views").split("\n")
    return [line.split()[0] for line in lines if line.strip()] or ["main"]


def choose_view(script: Script, view: str | None, name: str) -> ViewChoice:
    """Return the view that is asked for.

    Raises:
        RotoFileError: when the script has no such view.
    """
    views = script_views(script)
    wanted = views[0] if view is None else view
    if wanted not in views:
        raise RotoFileError(f"{name} has no view {wanted!r}, only {', '.join(views)}")
    return ViewChoice(wanted, views.index(wanted) + 1, len(views))


def _curves_of(node: ScriptNode, views: ViewChoice) -> list[RotoCurve]:
    words = node.knobs.get("curves", [])
    if not words:
        return _old_bezier(node) if node.class_name == "Bezier" else []
    text = words[-1].text if len(words) == 1 else " ".join(
        f"{{{word.text}}}" if word.braced else word.text for word in words
    )  # fmt: skip
    if "AnimTree" in text:
        return _old_curves(text)
    if "curvegroup" not in text and "cubiccurve" not in text:
        return []
    found = read_curves(parse_list(text, words[0].at), views)
    if node.class_name in _ROTO_CLASSES:
        return found
    why = f"it belongs to a {node.class_name}, which is no roto node"
    return [RotoCurve(one.name, one.path, "warp", one.points, one.keys, (why,), one.remarks) for one in found]


def _old_curves(text: str) -> list[RotoCurve]:
    """List the shapes of a node of Nuke 6."""
    curves: list[RotoCurve] = []
    name = "unnamed"
    counts = False
    for match in _OLD_GROUP.finditer(text):
        if match.group(1) is not None:
            name = match.group(1)
        elif match.group().startswith("CurveGroup"):
            curves.append(RotoCurve(name, name, "bezier", 0, 0, (_OLD,)))
            counts = True
        elif match.group(2) and counts:
            last = curves.pop()
            curves.append(
                RotoCurve(last.name, last.path, "bezier", int(match.group(2)) // 3, 0, last.refusals)
            )
            counts = False
    return curves


def _old_bezier(node: ScriptNode) -> list[RotoCurve]:
    """List the shape of a Bezier node, which Nuke had before its Roto nodes."""
    words = node.knobs.get("points", [])
    tree = parse_list(words[-1].text, words[-1].at) if words else []
    while len(tree) == 1 and isinstance(tree[0], list):
        tree = tree[0]
    points = sum(isinstance(entry, list) for entry in tree)
    why = "it is a Bezier node of Nuke 5, whose animation is not public; copy it into a Roto node"
    return [RotoCurve(node.name, node.name, "bezier", points, 0, (why,))]
