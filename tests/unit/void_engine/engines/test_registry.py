"""The registry finds engines by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from void_engine.diffusion.model.folder import MODELS_VARIABLE
from void_engine.engines.interface import Engine
from void_engine.engines.registry import best_engine_here, engines, make_engine
from void_engine.errors import SettingError


@pytest.mark.parametrize("name", ["identity", "propagation"])
def test_engines_say_what_they_are(name: str) -> None:
    engine: Engine = make_engine(name)
    assert engine.name == name
    assert engine.region_aspect is None
    assert dict(engine.record) == {}


def test_the_model_is_an_engine_too() -> None:
    pytest.importorskip("diffusers")
    engine = make_engine("void")
    assert engine.name == "void"
    assert engine.region_aspect == (672, 384)


def test_an_unknown_engine_is_named_with_the_known_ones() -> None:
    with pytest.raises(SettingError, match=r"no engine 'magic'.*auto, .*identity, .*propagation, .*void"):
        make_engine("magic")


def test_auto_is_propagation_without_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(MODELS_VARIABLE, raising=False)
    assert best_engine_here() == "propagation"
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    assert best_engine_here() == "propagation"
    assert make_engine("auto").name == "propagation"


def test_auto_is_void_where_its_models_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("diffusers")
    (tmp_path / "void_pass1.safetensors").touch()
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    assert best_engine_here() == "void"


def test_an_engine_without_its_packages_names_them() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from void_engine.engines.registry import make_engine\n"
        "from void_engine.errors import SettingError\n"
        "try: make_engine('void')\n"
        "except SettingError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'torch'" in said
    assert "extra 'diffusion'" in said


def test_names_are_sorted() -> None:
    assert list(engines()) == sorted(engines())
    assert {"identity", "propagation", "void"} <= engines().keys()


def test_no_engine_drags_torch_in() -> None:
    code = (
        "import sys; from void_engine.engines.registry import make_engine\n"
        "make_engine('identity'); make_engine('propagation'); print('torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
