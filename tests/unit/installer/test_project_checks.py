import sys
from pathlib import Path

import pytest

from installer import project_checks
from installer.console import Console
from installer.environment import Environment
from installer.errors import SetupError
from installer.project import ROOT, Project
from installer.project_checks import CHECKS, COVERAGE, LINT, QUICK, ProjectCheck, run_checks


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """The environment that the tests run in."""
    monkeypatch.setattr(Environment, "python", Path(sys.executable))
    return Environment(Path(sys.prefix), "3.11")


PASSES = ProjectCheck("Passes", ("-c", "print('quiet')"))
FAILS = ProjectCheck("Fails", ("-c", "import sys; print('line 7 is wrong'); sys.exit(1)"))
SHOWS = ProjectCheck("Shows", ("-c", "print('42 passed')"), shows_output=True)


def test_all_run_and_the_summary_tells_which_failed(
    here: Environment, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project_checks, "CHECKS", (PASSES, FAILS, SHOWS))

    assert run_checks(here, Project(), Console(), []) == 1

    said = capfd.readouterr().out
    assert "quiet" not in said
    assert "line 7 is wrong" in said
    assert "42 passed" in said
    assert said.index("42 passed") < said.index("Passes: passed") < said.index("Fails: failed")
    assert "Shows: passed" in said


def test_what_takes_long_runs_beside_the_others_and_speaks_after_them(
    here: Environment, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mark = tmp_path / "the other runs"
    waits = f"import pathlib, time\nwhile not pathlib.Path({str(mark)!r}).exists(): time.sleep(0.01)\n"
    long = ProjectCheck(
        "Long", ("-c", waits + "print('type is wrong'); raise SystemExit(1)"), runs_beside=True
    )
    other = ProjectCheck(
        "Other", ("-c", f"open({str(mark)!r}, 'x').close(); print('42 passed')"), shows_output=True
    )
    monkeypatch.setattr(project_checks, "CHECKS", (long, other))

    assert run_checks(here, Project(), Console(), []) == 1

    said = capfd.readouterr().out
    assert said.index("42 passed") < said.index("type is wrong") < said.index("Long: failed")
    assert "Other: passed" in said


def test_what_python_compiles_is_kept(here: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    keeps = ("-c", "import sys; sys.exit(sys.dont_write_bytecode)")
    monkeypatch.setattr(
        project_checks,
        "CHECKS",
        (ProjectCheck("Read", keeps), ProjectCheck("Shown", keeps, shows_output=True)),
    )

    assert run_checks(here, Project(), Console(), []) == 0


def test_nothing_wrong(here: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_checks, "CHECKS", (PASSES, SHOWS))

    assert run_checks(here, Project(), Console(), []) == 0


def test_arguments_choose_tests_and_nothing_else(
    here: Environment, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project_checks, "CHECKS", (FAILS,))

    status = run_checks(here, Project(), Console(), ["--version"])

    assert status == 0
    assert "pytest" in capfd.readouterr().out


@pytest.mark.parametrize("selection", ["--lint", "--quick", "--coverage"])
def test_a_selection_runs_its_own_checks(
    selection: str, here: Environment, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project_checks, "CHECKS", (FAILS,))
    monkeypatch.setattr(
        project_checks, "SELECTIONS", {"--lint": (FAILS,), "--quick": (FAILS,), "--coverage": (FAILS,)}
    )
    monkeypatch.setitem(project_checks.SELECTIONS, selection, (PASSES, SHOWS))

    assert run_checks(here, Project(), Console(), [selection]) == 0

    said = capfd.readouterr().out
    assert "Passes: passed" in said
    assert "Fails" not in said


@pytest.mark.parametrize("arguments", [["--quick", "-k", "roto"], ["-x", "--lint"], ["--lint", "--quick"]])
def test_a_selection_and_something_else_is_refused(here: Environment, arguments: list[str]) -> None:
    with pytest.raises(SetupError, match=r"is a choice of checks by itself\. Try: python3 installer test --"):
        run_checks(here, Project(), Console(), arguments)


def test_lint_runs_no_test() -> None:
    commands = [" ".join(check.arguments) for check in LINT]
    assert set(LINT) < set(CHECKS)
    for tool in ("ruff check", "ruff format --check", "mypy", "lint_imports"):
        assert any(tool in command for command in commands), tool
    assert not any("pytest" in command for command in commands)


def test_quick_leaves_out_what_takes_long_and_what_runs_processes() -> None:
    *static, tests = QUICK
    assert set(static) < set(LINT)
    assert "-m not (slow or integration or golden)" in " ".join(tests.arguments)
    assert "--cov" not in tests.arguments


def test_the_checks_are_those_the_project_promises() -> None:
    commands = [" ".join(check.arguments) for check in CHECKS]
    for tool in ("ruff check", "ruff format --check", "mypy", "lint_imports", "pytest"):
        assert any(tool in command for command in commands), tool
    assert "--cov" not in commands[-1]  # it takes as long again as the Python that it counts


def test_coverage_runs_the_same_tests_and_counts_them() -> None:
    whole, (counted,) = CHECKS[-1], COVERAGE
    assert [argument for argument in counted.arguments if not argument.startswith("--cov")] == list(
        whole.arguments
    )
    assert "--cov" in counted.arguments


def test_ci_runs_what_the_readme_says() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -eu" in lines
    assert lines[-1].removeprefix("exec ") == "python3 installer test"
