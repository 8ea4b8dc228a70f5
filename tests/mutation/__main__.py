"""Puts small mutants into a module, one at a time, and tells which of them no test notices.

    python -m tests.mutation server/void_server/access/places.py
    python -m tests.mutation void_engine/region.py --count 60 --seed 1
    python -m tests.mutation void_engine/region.py --tests tests/unit/void_engine

Each mutant (a comparison turned, a constant changed, a loop not entered ...) is made by cosmic-ray (in the
extra ``mutation``) in a copy of the tree, and the module's own unit tests are run against it until one fails.
Without ``--count`` a sample of 30 places of the module is taken; the same seed takes the same ones.
What the mutants that survive change is printed. Some are equivalent: they change nothing that anybody
could notice.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import WorkerOutcome, WorkItem, WorkResult

from tests.reference_data import SHARED

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("plugin", "server", ".")
"""What stands on the path of Python in a checkout."""
_LEAST_TIMEOUT = 20.0
_SLOWER = 6
"""How many times longer than without a mutant the tests may take; a mutant that takes longer is noticed."""


def own_tests(module: str) -> list[str]:
    """The unit tests that mirror a module: ``test_NAME.py``, and ``test_NAME_WHAT.py`` beside it unless those
    are another module's."""
    path = Path(module)
    parts = list(path.with_suffix("").parts)
    if parts[0] in _PACKAGES:
        parts = parts[1:]
    folder = Path("tests/unit", *parts[:-1])
    more = sorted((ROOT / folder).glob(f"test_{path.stem}_*.py"))
    others = {f"test_{other.stem}.py" for other in (ROOT / path).parent.glob("*.py")}
    return [
        str(folder / f"test_{path.stem}.py"),
        *(str(folder / each.name) for each in more if each.name not in others),
    ]


def copied(to: Path) -> None:
    """Copy what git knows of the tree, and what is new in it."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    if SHARED.is_dir():
        (to.parent / SHARED.name).symlink_to(SHARED)


def annotated(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The places of annotations and decorators: what is changed there changes nothing that runs, or
    everything."""
    found = []
    for node in ast.walk(ast.parse(source)):
        notes: list[ast.expr | None] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            notes += [node.returns, *node.decorator_list]
        elif isinstance(node, ast.ClassDef):
            notes += node.decorator_list
        elif isinstance(node, ast.arg | ast.AnnAssign):
            notes.append(node.annotation)
        found.extend(
            ((note.lineno, note.col_offset), (note.end_lineno, note.end_col_offset))
            for note in notes
            if note is not None and note.end_lineno is not None and note.end_col_offset is not None
        )
    return found


def chosen(items: list[WorkItem], source: str, count: int, seed: int) -> set[str]:
    """The mutants that are tried: one at each of ``count`` places of the module."""
    left_out = annotated(source)
    by_place: dict[tuple[int, int], list[WorkItem]] = {}
    for item in items:
        start = tuple(item.mutations[0].start_pos)
        if not any(begin <= start < end for begin, end in left_out):
            by_place.setdefault((start[0], start[1]), []).append(item)
    draw = random.Random(seed)
    places = sorted(by_place)
    places = sorted(draw.sample(places, min(count, len(places))))
    names = [sorted(by_place[place], key=_name) for place in places]
    return {draw.choice(several).job_id for several in names}


def _name(item: WorkItem) -> tuple[str, int]:
    return item.mutations[0].operator_name, item.mutations[0].occurrence


def main() -> int:
    """Try mutants, print those that survive, and return 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("module", help="the module's file, from the root of the checkout")
    parser.add_argument("--tests", nargs="+", help="instead of the module's own unit tests")
    parser.add_argument("--count", type=int, default=30, help="in so many places; 30 by default")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    module = Path(given.module).resolve().relative_to(ROOT)
    tests = given.tests or own_tests(str(module))
    missing = [name for name in tests if not (ROOT / name).exists()]
    if missing:
        parser.error(f"{missing[0]} does not exist; say --tests")
    with tempfile.TemporaryDirectory(prefix="void-mutation-") as folder:
        tree = Path(folder, "tree")
        tree.mkdir()
        copied(tree)
        return _tried(tree, str(module), tests, given.count, given.seed)


def _tried(tree: Path, module: str, tests: list[str], count: int, seed: int) -> int:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(str(tree / part) for part in _PACKAGES),
        "PYTHONDONTWRITEBYTECODE": "1",
        "QT_QPA_PLATFORM": "offscreen",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    begun = time.monotonic()
    if subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.DEVNULL).returncode:
        print(f"{' '.join(tests)} fails without any mutant", file=sys.stderr)
        return 2
    timeout = max(_LEAST_TIMEOUT, _SLOWER * (time.monotonic() - begun))
    session, config = tree / "mutation.sqlite", tree / "mutation.toml"
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "{module}"\ntimeout = {timeout:.1f}\nexcluded-modules = []\n'
        f'test-command = "{" ".join(command)}"\n[cosmic-ray.distributor]\nname = "local"\n',
        encoding="utf-8",
    )
    run = [sys.executable, "-m", "cosmic_ray.cli"]
    subprocess.run([*run, "init", str(config), str(session)], cwd=tree, env=environment, check=True)
    source = (tree / module).read_text(encoding="utf-8")
    with use_db(str(session), WorkDB.Mode.open) as database:
        items = list(database.work_items)
        wanted = chosen(items, source, count, seed)
        others = [item.job_id for item in items if item.job_id not in wanted]
        database.set_multiple_results(others, WorkResult(WorkerOutcome.SKIPPED))
    subprocess.run([*run, "exec", str(config), str(session)], cwd=tree, env=environment, check=True)
    survived = 0
    with use_db(str(session), WorkDB.Mode.open) as database:
        results = dict(database.results)
    for item in items:
        result = results.get(item.job_id)
        if item.job_id in wanted and result is not None and not result.is_killed:
            survived += 1
            change = [line for line in (result.diff or "").splitlines() if line[:1] in "+-"][2:]
            print(f"\n{module}:{item.mutations[0].start_pos[0]} {item.mutations[0].definition_name}")
            print("\n".join(change))
    killed = len(wanted) - survived
    print(f"\n{module}: {len(wanted)} mutants, {killed} killed, {survived} survived", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
