"""The descriptions of engines are complete, documented, and cheap to load."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
import tomllib

from tests.fakes.studio_packages import install_broken_engine, install_flat_engine
from void_engine.diffusion import info as diffusion_info
from void_engine.diffusion.model.folder import MODELS_VARIABLE
from void_engine.engines import registry
from void_engine.engines.info import EngineInfo, missing_packages
from void_engine.engines.options import EngineOption, option
from void_engine.engines.registry import engine_info, engine_name, engines, make_engine
from void_engine.errors import SettingError

DOCS = Path(__file__).parents[4] / "docs"
HEAVY = ("torch", "numpy", "cv2", "OpenImageIO", "diffusers", "transformers", "scipy")


def test_asking_for_the_engines_loads_none_of_them() -> None:
    code = (
        "import sys; from void_engine.engines.registry import engines\n"
        "problems = [info.problem() for info in engines().values()]\n"
        f"print(len(problems), [name for name in {HEAVY!r} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == f"{len(engines())} []"


def test_what_is_declared_is_what_is_installed() -> None:
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]
    declared = project["entry-points"][registry.GROUP]
    points = distribution("void-nuke").entry_points.select(group=registry.GROUP)
    installed = {point.name: point.value for point in points}
    assert installed == declared, "run the installer again"


@pytest.mark.parametrize("info", engines().values(), ids=lambda info: info.name)
def test_an_info_holds_together(info: EngineInfo) -> None:
    info.check_options({})
    for quality, options in info.presets.items():
        info.check_options(options)
        assert quality in ("preview", "final", "finest"), "a quality that no host offers"
    for one in info.options:
        assert one.help.endswith("."), one.name
        assert not one.choices or one.default in one.choices
        if not one.has_auto:
            assert one.read(one.default) == one.default
    if not info.problem():
        assert make_engine(info.name).name == info.name


def _documented(page: str, section: str) -> dict[str, str]:
    """Read a table of options from a page: each name with the cell of its default."""
    text = (DOCS / page).read_text("utf-8").split(f"## {section}\n")[1].split("\n## ")[0]
    found: dict[str, str] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            names = re.findall(r"`([a-z0-9_]+)`", cells[0])
            defaults = [cells[1]] if len(names) == 1 else cells[1].split(", ")
            found.update(zip(names, defaults, strict=True))
    return found


PAGES = {"void": "engine.md", "propagation": "propagation.md"}
"""The pages in docs/ with a table of an engine's options; an engine that is not here has none."""


def test_every_engine_with_options_has_a_page() -> None:
    with_options = {name for name, info in engines().items() if info.options}
    assert with_options <= PAGES.keys(), "write a table of the options, and name its page in PAGES"


@pytest.mark.parametrize("name", PAGES)
def test_every_option_is_documented_with_its_default(name: str) -> None:
    documented = _documented(PAGES[name], "Options")
    options = {one.name: one for one in engine_info(name).options}
    assert set(documented) == set(options) - {"mode"}
    for option_name, cell in documented.items():
        said = re.split(r"[:;]", cell.replace("`", ""))[0].strip()
        assert said in (options[option_name].default_text, _number(options[option_name])), option_name


def _number(one: EngineOption) -> str:
    """The default as the documents write it: ``6.0`` may be written ``6``."""
    return f"{one.default:g}" if isinstance(one.default, float) else str(one.default)


def test_the_model_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(diffusion_info, "_PACKAGES", ("a_package_that_nobody_has", "sys"))
    assert "a_package_that_nobody_has" in diffusion_info.why_unavailable()
    assert "install the extra 'diffusion'" in diffusion_info.why_unavailable()
    monkeypatch.setattr(diffusion_info, "_PACKAGES", ())
    monkeypatch.delenv(MODELS_VARIABLE, raising=False)
    assert "set VOID_MODELS" in diffusion_info.why_unavailable()
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    assert f"`void models fetch {tmp_path}` brings it" in diffusion_info.why_unavailable()
    (tmp_path / "void_pass1.safetensors").touch()
    assert diffusion_info.why_unavailable() == ""


def test_missing_packages_are_named_with_the_remedy() -> None:
    assert missing_packages(("sys", "json"), "engine") == ""
    assert "the Python packages no_one, no_two, which are not installed" in missing_packages(
        ("no_one", "json", "no_two"), "engine"
    )


def _toy(**changes: object) -> EngineInfo:
    values = {"name": "toy", "title": "Toy", "factory": "nowhere:Toy", **changes}
    return EngineInfo(**values)  # type: ignore[arg-type]


def test_an_info_that_cannot_be_used_is_not_made() -> None:
    with pytest.raises(ValueError, match="lower-case"):
        _toy(name="My Engine")
    with pytest.raises(ValueError, match=r"preset 'preview' names .* not declared: \['speed'\]"):
        _toy(presets={"preview": {"speed": 1}})
    speed = EngineOption("speed", "int", 1, "How fast.", low=1, high=4)
    with pytest.raises(
        ValueError, match=r"preset 'preview' is not allowed: .* speed is 5; it must be in 1\.\.4"
    ):
        _toy(presets={"preview": {"speed": 5}}, options=(speed,))


def test_a_look_at_the_machine_that_fails_is_a_reason() -> None:
    def look() -> str:
        raise OSError("the licence server is gone")

    assert "OSError: the licence server is gone" in _toy(unavailable=look).problem()
    assert "SystemExit: 3" in _toy(unavailable=lambda: sys.exit(3)).problem()


def test_auto_takes_the_best_that_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "plain": _toy(name="plain", auto_rank=1),
        "good": _toy(name="good", auto_rank=2),
        "best": _toy(name="best", auto_rank=3, unavailable=lambda: "no licence"),
        "never": _toy(name="never"),
    }
    monkeypatch.setattr(registry, "engines", lambda: found)
    assert engine_name("auto") == "good"
    assert engine_name("never") == "never"
    del found["good"], found["plain"]
    with pytest.raises(SettingError, match=r"no engine can run here \(best: no licence"):
        engine_name("auto")


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install_flat_engine(tmp_path)
    install_broken_engine(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    engines.cache_clear()
    yield
    monkeypatch.undo()
    engines.cache_clear()
    for name in [name for name in sys.modules if name.startswith("studio_")]:
        del sys.modules[name]


@pytest.mark.usefixtures("studio")
def test_packages_bring_engines_and_a_broken_one_breaks_no_other(caplog: pytest.LogCaptureFixture) -> None:
    assert {"broken", "flat", "identity", "propagation", "void"} <= engines().keys()
    assert "Bad Name" not in engines(), "no job can say it"
    assert engine_info("propagation").title == "Propagation"
    assert "the engine 'propagation' is there already" in caplog.text
    assert make_engine("flat").name == "flat"
    assert "install it again" in engine_info("broken").problem()
    assert "SystemExit: no licence here" in engine_info("leaves").problem()
    with pytest.raises(SettingError, match="'broken' cannot be used: its package studio-broken is broken"):
        make_engine("broken")


def test_an_installation_older_than_its_code_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "engines", dict)
    with pytest.raises(SettingError, match="run the installer again"):
        engine_info("void")


def test_an_option_needs_a_kind() -> None:
    with pytest.raises(KeyError):
        option(None, "Nothing.")
