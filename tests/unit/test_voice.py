"""How docstrings and comments are written: each stands by itself. Ruff checks that docstrings are there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("plugin", "server", "void_engine", "installer", "tests/fakes", "tests/contract")

NEVER_FIRST = frozenset(
    ("and", "args:", "but", "of", "or", "raises:", "see", "than", "that", "the same", "whose")
)
NEVER_FIRST |= {f"which {verb}" for verb in ("are", "has", "have", "is", "it", "the", "was", "were")}
"""Nobody begins a thought with these: such a text goes on with one that stands elsewhere."""
NEEDS_A_CLAUSE = frozenset(
    ("after", "as", "at", "before", "below", "beside", "beyond", "between", "by", "for", "from", "in", "into")
) | {"near", "on", "over", "through", "to", "under", "until", "while", "with", "without"}
"""These may begin a text where a comma or colon follows: "With null, the whole queue is held back"."""


def is_whole(text: str) -> bool:
    """Whether a docstring or comment begins with a thought of its own.

    The rule looks at the first sentence only, and passes what it cannot judge.
    """
    sentence = re.split(r"(?<=[.;?!])\s", " ".join(text.split()), maxsplit=1)[0]
    words = sentence.lower().split()
    if not words or sentence.endswith("---"):  # the heading of a part of a module
        return True
    if words[0] in NEVER_FIRST or " ".join(words[:2]) in NEVER_FIRST:
        return False
    return words[0] not in NEEDS_A_CLAUSE or "," in sentence or ":" in sentence


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every docstring with its line, and every text below an attribute, which documents that attribute."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, node.value.value


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Every comment that has a line of its own, joined with those on the lines below it."""
    block: list[str] = []
    first = last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or token.line.strip() != token.string:
            continue
        line, text = token.start[0], token.string.lstrip("#! ")
        if block and line != last + 1:
            yield first, " ".join(block)
            block = []
        if not block:
            first = line
        block.append(text)
        last = line
    if block:
        yield first, " ".join(block)


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstrings_and_comments_stand_by_themselves(folder: str) -> None:
    dangling = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for line, text in (*docstrings(ast.parse(source)), *comments(source)):
            if not is_whole(text):
                dangling.append(f"{path.relative_to(ROOT)}:{line}: {text.strip().splitlines()[0]}")
    assert dangling == [], "begin with the subject:\n" + "\n".join(dangling)


@pytest.mark.parametrize(
    "text",
    [
        "Of ``clean``, ``matte`` and ``quadmask``.",
        "The same in bytes of large messages.",
        "That wait for their turn.",
        "Which is read again.",
        "And what is older goes.",
        "Args:\n    name: of the shot.",
        "Between asking a task to stop and killing it.",
        "See the module.",
    ],
)
def test_a_text_that_goes_on_with_another_is_found(text: str) -> None:
    assert not is_whole(text)


@pytest.mark.parametrize(
    "text",
    [
        "Read the jobs of a file.",
        "Which farm gets the jobs.",
        "With null, the whole queue is held back.",
        "For each package: the module to import.",
        "Offset of the first byte.",
        "From the client -------------------------",
        "``auto``: what suits the engine.",
    ],
)
def test_a_text_that_stands_by_itself_is_left_alone(text: str) -> None:
    assert is_whole(text)


def test_comments_on_neighbouring_lines_are_one_text() -> None:
    source = "# The first line says\n# that it goes on.\nx = 1  # of no account\n\n# Another one.\n"

    assert list(comments(source)) == [(1, "The first line says that it goes on."), (5, "Another one.")]
