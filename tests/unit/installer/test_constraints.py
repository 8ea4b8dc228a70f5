"""The pins, against what is really installed."""

import re
from importlib import metadata
from itertools import chain

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.version import Version

from installer.plan import INSTALL_STEPS, ZIG
from installer.project import CONSTRAINTS, ROOT, normalised

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)( ; .+)?$")


def read_pins() -> dict[str, str]:
    lines = [line for line in CONSTRAINTS.read_text().splitlines() if not line.startswith("#")]
    found = [PIN.match(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    return {normalised(match[1]): match[2] for match in found if match}


def own_requirements() -> list[Requirement]:
    """What the project asks for, all extras together, as pyproject.toml has it now."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    return [one for one in map(Requirement, texts) if normalised(one.name) != normalised(project["name"])]


def needed_by(distribution: str, extras: frozenset[str]) -> set[tuple[str, frozenset[str]]]:
    """What an installed distribution with ``extras`` needs here, with the extras of those."""
    requirements = map(Requirement, metadata.requires(distribution) or ())
    return {
        (normalised(one.name), frozenset(one.extras))
        for one in requirements
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in (extras or {""}))
    }


def all_needed() -> set[str]:
    """Every distribution that the project leads to, as far as it is installed here."""
    waiting = {(normalised(one.name), frozenset(one.extras)) for one in own_requirements()}
    found: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, asked = waiting.pop()
        found.add((name, asked))
        try:
            waiting |= needed_by(name, asked) - found
        except metadata.PackageNotFoundError:  # an extra that this environment was made without
            continue
    return {name for name, _ in found}


def test_every_package_of_every_extra_is_pinned() -> None:
    needed = all_needed()

    assert {"numpy", "typer", "click", "pytest", "torch", "sympy"} <= needed
    brought_by_torch = {name for name in needed if name.startswith(("nvidia-", "cuda-")) or name == "triton"}
    assert needed - set(read_pins()) - brought_by_torch == set()


@pytest.mark.parametrize("tool", ["hatchling", "pathspec", "pluggy", "trove-classifiers", "editables"])
def test_the_build_is_pinned_too(tool: str) -> None:
    assert tool in read_pins()


def test_what_only_the_installer_asks_for_is_pinned() -> None:
    requirements = {
        name for steps in (*INSTALL_STEPS.values(), (ZIG,)) for one in steps for name in one.requirements
    }
    assert "ziglang" in requirements
    assert requirements <= set(read_pins())


def test_the_pins_fit_the_project() -> None:
    pins = read_pins()
    for requirement in own_requirements():
        assert requirement.specifier.contains(Version(pins[normalised(requirement.name)])), str(requirement)
