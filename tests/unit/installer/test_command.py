"""The installer as a person runs it, on a small checkout that needs nothing from outside."""

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

import installer
from installer.environment import Environment

# A build backend of the checkout's own, so that pip has nothing to fetch.
BACKEND = """
import pathlib, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    import tomllib
    project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    info = "void_nuke-0.1.0.dist-info"
    lines = ["Metadata-Version: 2.1", "Name: void-nuke", "Version: 0.1.0"]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f'Requires-Dist: {one} ; extra == "{extra}"' for extra in extras for one in extras[extra]]
    name = "void_nuke-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        wheel.writestr("void_nuke.pth", str(pathlib.Path.cwd()))
        wheel.writestr(f"{info}/METADATA", "\\n".join(lines) + "\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "void-nuke"
version = "0.1.0"
[project.optional-dependencies]
server = []
movies = []
review = ["void-nuke[server]"]
demo = ["void-nuke[server]"]
"""
VOID = """
import sys
print("void:", *sys.argv[1:])
sys.exit(3 if "fail" in sys.argv else 0)
"""


class Ran(NamedTuple):
    status: int
    said: str


class Checkout:
    """A checkout with this installer, and the environment that it is set up in."""

    def __init__(self, root: Path, prefix: Path) -> None:
        self.root = root
        self.prefix = prefix
        shutil.copytree(Path(installer.__file__).parent, root / "installer")
        (root / "installer" / "constraints.txt").write_text("")
        (root / "void_server").mkdir()
        (root / "void_server" / "__main__.py").write_text(VOID)
        (root / "backend.py").write_text(BACKEND)
        self.write_project()

    def write_project(self, demo_needs: str = "void-nuke[server]") -> None:
        (self.root / "pyproject.toml").write_text(PYPROJECT.replace("void-nuke[server]", demo_needs))

    def run(self, *arguments: str) -> Ran:
        ran = subprocess.run(
            [sys.executable, "installer", "--prefix", str(self.prefix), *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert ran.stderr == ""
        return Ran(ran.returncode, ran.stdout)


@pytest.fixture
def checkout(
    tmp_path: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Checkout:
    request.getfixturevalue("wheels")
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    (tmp_path / "void nuke").mkdir()
    return Checkout(tmp_path / "void nuke", environment.prefix)


@pytest.mark.slow
def test_sets_up_then_runs_and_the_second_time_only_runs(checkout: Checkout) -> None:
    first = checkout.run("demo", "--frames", "10")

    assert first.status == 0, first.said
    assert "VOID server, engine and demo" in first.said
    assert first.said.splitlines()[-1] == "void: demo --frames 10"
    log = (checkout.prefix / "install.log").read_text()

    second = checkout.run("demo")

    assert second.said.splitlines()[1:] == ["void: demo"]
    assert (checkout.prefix / "install.log").read_text() == log


@pytest.mark.slow
def test_a_verb_that_needs_less_installs_nothing_more(checkout: Checkout) -> None:
    checkout.run("demo")

    said = checkout.run("doctor").said

    assert "VOID server and engine" not in said
    assert said.splitlines()[-1] == "void: doctor"


@pytest.mark.slow
def test_the_doctor_begins_with_the_machine(checkout: Checkout) -> None:
    lines = checkout.run("doctor").said.splitlines()

    assert [line.split(":")[0].split()[1] for line in lines[:3]] == ["Python", "Environment", "Disk"]


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["demo", "doctor"])
def test_the_status_is_that_of_what_was_run(checkout: Checkout, verb: str) -> None:
    assert checkout.run(verb, "fail").status == 3


@pytest.mark.slow
def test_a_failed_step_is_explained_and_a_rerun_goes_on(checkout: Checkout) -> None:
    checkout.write_project(demo_needs="no-such-package")

    failed = checkout.run("demo")

    assert failed.status == 1
    assert "void:" not in failed.said
    assert "no-such-package failed: the package server has no build of it" in failed.said
    assert "Try: " in failed.said
    assert f"Log: {checkout.prefix / 'install.log'}" in failed.said

    checkout.write_project()
    again = checkout.run("demo")

    assert again.status == 0, again.said
    assert again.said.splitlines()[-1] == "void: demo"


@pytest.mark.slow
def test_a_broken_environment_is_made_again(checkout: Checkout) -> None:
    checkout.run("demo")
    (pip,) = checkout.prefix.glob("[Ll]ib/**/site-packages/pip")
    shutil.rmtree(pip)

    ran = checkout.run("demo")

    assert "Environment remade (it was broken)" in ran.said
    assert "VOID server, engine and demo" in ran.said
    assert ran.said.splitlines()[-1] == "void: demo"


@pytest.mark.slow
def test_too_little_room_is_told_before_anything_is_fetched(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from installer import command, provision

    monkeypatch.setattr(provision, "free_bytes", lambda folder: 10 * 1024**2)
    monkeypatch.setattr(provision, "open_environment", lambda prefix: None)

    assert command.main(["demo", "--prefix", str(checkout.prefix)]) == 1

    said = capsys.readouterr().out
    assert "the disk has 0.0 GiB left, and up to 0.1 GiB are needed" in said
    assert checkout.prefix.exists()


@pytest.mark.slow
def test_somebodys_folder_is_not_taken(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "sh010.nk").write_text("")
    checkout.prefix = tmp_path / "shots"

    ran = checkout.run("demo")

    assert ran.status == 1
    assert "left alone" in ran.said
    assert [entry.name for entry in (tmp_path / "shots").iterdir()] == ["sh010.nk"]


@pytest.mark.parametrize("arguments", [[], ["dance"], ["--frames", "demo"]])
def test_a_wrong_command_line_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from installer import command

    with pytest.raises(SystemExit) as caught:
        command.main(arguments)

    assert caught.value.code == 2
    assert "usage: python3 installer" in capsys.readouterr().err


def test_no_module_here_hides_one_of_the_standard_library() -> None:
    names = {path.stem for path in Path(installer.__file__).parent.glob("*.py")} - {"__init__", "__main__"}

    assert names & sys.stdlib_module_names == set()


def test_only_the_standard_library_is_imported() -> None:
    code = textwrap.dedent("""
        import sys
        before = set(sys.modules)
        import installer.command
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(*sorted(new - sys.stdlib_module_names - {"installer"}))
    """)
    root = Path(installer.__file__).parent.parent
    said = subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True)

    assert said.strip() == ""
