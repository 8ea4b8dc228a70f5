"""The pins, against what is really installed."""

import re
from importlib import metadata

import pytest

from installer.project import CONSTRAINTS, Project, normalised, parse_requirement

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)( ; .+)?$")


def read_pins() -> dict[str, str]:
    lines = [line for line in CONSTRAINTS.read_text().splitlines() if not line.startswith("#")]
    found = [PIN.match(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    return {normalised(match[1]): match[2] for match in found if match}


def needed_by(distribution: str, extras: frozenset[str]) -> set[tuple[str, frozenset[str]]]:
    """What an installed distribution with ``extras`` needs here, with the extras of those."""
    from packaging.requirements import Requirement  # comes with pytest

    requirements = map(Requirement, metadata.requires(distribution) or ())
    return {
        (normalised(one.name), frozenset(one.extras))
        for one in requirements
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in (extras or {""}))
    }


def closure(distribution: str, extras: frozenset[str]) -> set[str]:
    """All installed distributions that ``distribution`` with ``extras`` leads to."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = {(distribution, extras)}
    while waiting:
        name, asked = waiting.pop()
        found.add((name, asked))
        try:
            waiting |= needed_by(name, asked) - found
        except metadata.PackageNotFoundError:  # an extra that this environment was made without
            continue
    return {name for name, _ in found} - {distribution}


def test_every_package_of_every_extra_is_pinned() -> None:
    project = Project()
    every_extra = frozenset(metadata.metadata(project.name).get_all("Provides-Extra") or ())
    assert {"demo", "server", "test", "diffusion"} <= every_extra

    needed = closure(normalised(project.name), every_extra)

    assert {"numpy", "typer", "pytest", "torch"} <= needed
    brought_by_torch = {name for name in needed if name.startswith(("nvidia-", "cuda-")) or name == "triton"}
    assert needed - set(read_pins()) - brought_by_torch == set()


@pytest.mark.parametrize("tool", ["hatchling", "pathspec", "pluggy", "trove-classifiers", "editables"])
def test_the_build_is_pinned_too(tool: str) -> None:
    assert tool in read_pins()


def test_the_pins_fit_the_project() -> None:
    from packaging.requirements import Requirement
    from packaging.version import Version

    pins = read_pins()
    for text in metadata.requires(Project().name) or ():
        requirement = Requirement(text)
        name, _ = parse_requirement(text)
        if name != normalised(Project().name):
            assert requirement.specifier.contains(Version(pins[name])), text
