from pathlib import Path

import pytest

from installer.project import Project, normalised, parse_requirement

PYPROJECT = """
[build-system]
requires = ["hatchling"]
[project]
name = "void-nuke"
version = "0"
dependencies = ["msgspec"]
[project.optional-dependencies]
engine = ["numpy>=2", "OpenImageIO>=3.0"]
server = ["Void_Nuke[engine]", "typer>=0.15"]
test = ["void-nuke[ server , movies ]", "pytest"]
movies = ["av"]
[tool.ruff]
line-length = 110
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "pins.txt").write_text("numpy==2.4.6\n")
    return tmp_path


def project_in(root: Path) -> Project:
    return Project(root, root / "pins.txt")


def test_an_extra_brings_those_that_it_includes(root: Path) -> None:
    assert project_in(root).expand(["test"]) == {"test", "server", "engine", "movies"}
    assert project_in(root).expand(["engine"]) == {"engine"}
    assert project_in(root).expand([]) == frozenset()


def test_an_unknown_extra(root: Path) -> None:
    with pytest.raises(KeyError, match="farm"):
        project_in(root).expand(["farm"])


def test_names_distributions_as_indexes_do(root: Path) -> None:
    assert project_in(root).distributions(["engine", "movies"]) == {"numpy", "openimageio", "av"}


@pytest.mark.parametrize(
    ("file", "old", "new", "differs"),
    [
        ("pyproject.toml", '"numpy>=2"', '"numpy>=2.1"', True),
        ("pyproject.toml", '"hatchling"', '"hatchling>=1.27"', True),
        ("pyproject.toml", "[tool.ruff]", '[project.entry-points.engines]\na = "b:c"\n[tool.ruff]', True),
        ("pyproject.toml", "line-length = 110", "line-length = 100", False),
        ("pins.txt", "2.4.6", "2.4.7", True),
    ],
)
def test_the_fingerprint_changes_with_what_is_installed(
    root: Path, file: str, old: str, new: str, differs: bool
) -> None:
    before = project_in(root).fingerprint()
    text = (root / file).read_text()
    assert old in text
    (root / file).write_text(text.replace(old, new))

    assert (project_in(root).fingerprint() != before) is differs


@pytest.mark.parametrize(
    ("text", "name", "extras"),
    [
        ("numpy>=2", "numpy", []),
        ("void-nuke[demo,movies]", "void-nuke", ["demo", "movies"]),
        ("Scikit_Image [a] ; python_version > '3'", "scikit-image", ["a"]),
    ],
)
def test_reads_requirements(text: str, name: str, extras: list[str]) -> None:
    assert parse_requirement(text) == (name, extras)


def test_refuses_what_is_no_requirement() -> None:
    with pytest.raises(ValueError, match="not a requirement"):
        parse_requirement(">=2")


def test_normalises() -> None:
    assert normalised("A.b__C--d") == "a-b-c-d"
