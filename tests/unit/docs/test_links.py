"""The documents name only what is there: files, headings, modules, names in modules, tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SEARCHED = ("docs", "examples", "gizmos", "installer", "plugin", "server", "tests", "void_engine")
IMPORT_ROOTS = (ROOT, ROOT / "plugin", ROOT / "server")
PACKAGES = ("void_protocol", "void_nuke", "void_server", "void_engine")
PLACEHOLDER = "NAME"
"""Stands in a recipe for what its reader makes."""
NOT_MODULES = {"void_nuke.engines"}
"""Names that look like modules: the group of entry points."""

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
INLINE_CODE = re.compile(r"`([^`\n]+)`")
FILE_NAME = re.compile(r"^[\w./-]+\.(py|md|gizmo)$")
TEST_NAME = re.compile(r"^test_\w+$")
PATH = re.compile(rf"(?<![\w./~-])(?:{'|'.join({*SEARCHED, *PACKAGES})})(?:/[\w.-]+)*/[\w.-]*\w/?")
MODULE = re.compile(rf"(?<![\w./-])(?:{'|'.join(PACKAGES)}|tests)(?:\.\w+)+")


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")])


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def without_fences(text: str) -> str:
    """The text with its code blocks emptied, line by line."""
    inside, kept = False, []
    for line in text.splitlines():
        fence = line.lstrip().startswith("```")
        inside ^= fence
        kept.append("" if inside or fence else line)
    return "\n".join(kept)


def fences(text: str, language: str) -> Iterator[str]:
    yield from re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """What ``#...`` may name: the headings as GitHub spells them, the second of one name with ``-1``."""
    found: dict[str, int] = {}
    for line in without_fences(text).splitlines():
        if (heading := HEADING.match(line)) is None:
            continue
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
        if found[slug]:
            found[f"{slug}-{found[slug]}"] = 0
    return set(found)


def broken_links(page: Path) -> Iterator[str]:
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(without_fences(text)):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        meant = page.parent / file if file else page
        if not meant.exists():
            yield f"{target}: there is no such file"
        elif anchor and (meant.suffix != ".md" or anchor not in anchors(meant.read_text(encoding="utf-8"))):
            yield f"{target}: there is no such heading"


@cache
def endings() -> frozenset[str]:
    """Every file by each ending of its path: ``broker/jobs/store.py``, ``jobs/store.py``, ``store.py``."""
    files = [path for folder in SEARCHED for path in (ROOT / folder).rglob("*") if path.is_file()]
    parts = [
        path.relative_to(ROOT).parts for path in (*files, *ROOT.glob("*")) if "__pycache__" not in path.parts
    ]
    return frozenset("/".join(one[start:]) for one in parts for start in range(len(one)))


@cache
def names_of_tests() -> frozenset[str]:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")]
    defined = {name for source in sources for name in re.findall(r"\bdef (test_\w+)", source)}
    return frozenset(defined | {path.stem for path in (ROOT / "tests").rglob("test_*.py")})


def is_there(path: str) -> bool:
    return any((root / path).exists() for root in IMPORT_ROOTS)


def can_be_imported(dotted: str) -> bool:
    """Whether a module of this name is there, or a module in which the rest is defined or imported."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        for root in IMPORT_ROOTS:
            place = root.joinpath(*parts[:count])
            if place.with_suffix(".py").is_file() or (count == len(parts) and place.is_dir()):
                return count == len(parts) or parts[count] in names_in(place.with_suffix(".py"))
            if (place / "__init__.py").is_file() and count < len(parts):
                return parts[count] in names_in(place / "__init__.py")
    return False


@cache
def names_in(module: Path) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.parse(module.read_bytes()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            if any(ast.unparse(target) == "__all__" for target in node.targets):
                names |= set(ast.literal_eval(node.value))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return frozenset(names)


def stale_names(text: str) -> Iterator[str]:
    for code in INLINE_CODE.findall(without_fences(text)):
        if FILE_NAME.match(code) and code not in endings() and not is_there(code):
            yield f"{code}: there is no such file"
        elif TEST_NAME.match(code) and code not in names_of_tests():
            yield f"{code}: there is no such test"
    for path in PATH.findall(text):
        if PLACEHOLDER not in path and not is_there(path) and not is_there(f"{path}.py"):
            yield f"{path}: there is no such path"
    for dotted in MODULE.findall(text):
        if PLACEHOLDER not in dotted and dotted not in NOT_MODULES and not can_be_imported(dotted):
            yield f"{dotted}: there is no such module or name"
    for block in fences(text, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PACKAGES:
                for alias in node.names:
                    if not can_be_imported(f"{node.module}.{alias.name}"):
                        yield f"{node.module}.{alias.name}: cannot be imported"


@pytest.mark.parametrize("page", documents(), ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", documents(), ids=name_of)
def test_what_is_named_is_there(page: Path) -> None:
    assert list(stale_names(page.read_text(encoding="utf-8"))) == []


def test_every_document_is_linked_from_another() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in documents()
        for target in LINK.findall(without_fences(page.read_text(encoding="utf-8")))
    }
    starts = {ROOT / "README.md", ROOT / "CHANGELOG.md"}
    assert {name_of(page) for page in documents() if page not in linked | starts} == set()


def test_the_check_sees_what_is_wrong(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One & two\n[a](#one--two) [b](#three) [c](gone.md) [d](https://example.org/gone)\n"
        "```\n[e](in_a_block.md)\n# no heading\n```\n[f](#no-heading)\n"
    )
    assert list(broken_links(page)) == [
        "#three: there is no such heading",
        "gone.md: there is no such file",
        "#no-heading: there is no such heading",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "`door.py`",
        "`broker/wire.py`",
        "`test_what_nobody_wrote`",
        "see void_engine/plates/gone",
        "python -m tests.bench.gone",
        "`void_engine.merge.gone_function`",
        "```python\nfrom void_engine.merge import gone\n```",
    ],
)
def test_a_name_of_nothing_is_seen(text: str) -> None:
    assert list(stale_names(text))


@pytest.mark.parametrize(
    "text",
    [
        "`wire.py`",
        "`void_protocol/wire.py`",
        "`test_a_name_of_nothing_is_seen`",
        "`void_engine/plates/`",
        "`python tests/bench/faults.py --kills 3`",
        "python -m tests.bench.propagation --quick",
        "`void_engine.propagation.in_memory.remove_object`",
        "```python\nfrom void_protocol.client import Client\n```",
        "`/shots/tests/plate.py.exr`",
    ],
)
def test_a_name_of_something_passes(text: str) -> None:
    assert list(stale_names(text)) == []


def test_every_room_stands_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = (ROOT / "plugin", ROOT / "server", ROOT / "void_engine")
    rooms = {module.parent for folder in folders for module in folder.rglob("__init__.py")}
    assert len(rooms) > 30
    assert {name_of(room) for room in rooms if f"{room.name}/" not in text} == set()
