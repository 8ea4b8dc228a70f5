"""The recipes for rez, conda and Apptainer, and what the wheel carries, against ``pyproject.toml``."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
import tomllib
import yaml

ROOT = Path(__file__).parents[3]
RECIPES = ROOT / "installer" / "packages"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA_NAMES = {"openimageio": "py-openimageio", "opencv-python-headless": "py-opencv"}


def test_the_wheel_carries_what_nuke_loads_and_what_builds_the_openfx_plug_in() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    carried = wheel["force-include"]
    assert {Path(name).name for name in carried.values()} == {
        *("init.py", "menu.py", "gizmos"),
        *("installer", "openfx", "pyproject.toml"),
    }
    assert all((ROOT / source).exists() for source in carried)
    assert all(target.startswith("void_server/host_files/") for target in carried.values())


def requirements(extra: str) -> dict[str, str]:
    """The packages of an extra with those of the extras that it names, each with its lowest version."""
    found: dict[str, str] = {}
    for line in PROJECT["project"]["optional-dependencies"][extra]:
        if inner := re.match(r"void-nuke\[(.+)\]", line):
            for one in inner[1].split(","):
                found |= requirements(one)
        elif match := re.match(r"([A-Za-z0-9_.-]+)>=([\d.]+)", line):
            found[match[1].lower()] = match[2]
    return found


def test_the_conda_recipe_asks_for_what_the_project_needs() -> None:
    recipe = yaml.safe_load((RECIPES / "meta.yaml").read_text(encoding="utf-8"))
    assert recipe["package"]["version"] == PROJECT["project"]["version"]
    asked = dict(line.split(" >=") for line in recipe["requirements"]["run"])
    needed = requirements("server") | requirements("movies")
    needed |= {re.split(">=", line)[0]: line.split(">=")[1] for line in PROJECT["project"]["dependencies"]}
    renamed = {CONDA_NAMES.get(name, name): least for name, least in needed.items()}
    assert asked == renamed | {"python": "3.11"}
    assert recipe["build"]["entry_points"] == [f"void = {PROJECT['project']['scripts']['void']}"]


def test_the_rez_package_names_this_release_and_sets_what_hosts_look_for() -> None:
    text = (RECIPES / "package.py").read_text(encoding="utf-8")
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert values["version"] == PROJECT["project"]["version"]
    assert values["tools"] == list(PROJECT["project"]["scripts"])
    assert {"env.PATH", "env.NUKE_PATH", "env.OFX_PLUGIN_PATH"} <= set(re.findall(r"env\.\w+", text))


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="bash is not here")
def test_the_scripts_are_whole_and_their_files_and_extras_are_there() -> None:
    checked = subprocess.run(
        ["/bin/bash", "-n", str(RECIPES / "rez_build.sh")], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr
    image = (RECIPES / "void.def").read_text(encoding="utf-8")
    files = re.findall(r"^    (\S+) /opt/void/\S+$", image, re.MULTILINE)
    assert "plugin" in files
    assert all((ROOT / name).exists() for name in files)
    extras = set(PROJECT["project"]["optional-dependencies"])
    for text in (image, (RECIPES / "rez_build.sh").read_text(encoding="utf-8")):
        for named in re.findall(r"EXTRAS(?:=|:-)([a-z,-]+)", text):
            assert set(named.split(",")) <= extras
