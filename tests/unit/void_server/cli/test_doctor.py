import builtins
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from void_engine.diffusion.model.folder import ModelFolder
from void_server.cli import doctor
from void_server.cli.commands import app
from void_server.cli.doctor import Check, run_checks

FINE = Check("Fine", True, "all is well")
WRONG = Check("Wrong", False, "this is [broken]", "mend it")


def breaks() -> Check:
    raise OSError("the disk\n   is on fire")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOID_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VOID_MODELS", raising=False)
    return tmp_path / "home"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(*checks: Callable[[], Check]) -> None:
        monkeypatch.setattr(doctor, "_CHECKS", tuple(("Named", check, "try this") for check in checks))

    return use


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(checks: Callable[..., None]) -> None:
    checks(breaks, lambda: FINE, breaks)

    found = list(run_checks())

    assert found == [
        Check("Named", False, "the disk is on fire", "try this"),
        FINE,
        Check("Named", False, "the disk is on fire", "try this"),
    ]


def test_one_line_for_each_with_the_remedy_and_a_status(checks: Callable[..., None]) -> None:
    checks(lambda: FINE, lambda: WRONG)

    ran = CliRunner().invoke(app, ["doctor"])

    assert ran.exit_code == 1
    assert ran.output.splitlines() == ["  ✓ Fine: all is well", "  ✗ Wrong: this is [broken] → mend it"]


def test_all_well_is_status_0(checks: Callable[..., None]) -> None:
    checks(lambda: FINE)

    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0


def test_packages_tells_versions() -> None:
    check = doctor.check_packages()

    assert check.ok
    assert "numpy 2" in check.detail
    assert "pyzmq " in check.detail


def test_packages_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)

    check = doctor.check_packages()

    assert not check.ok
    assert "cv2" in check.detail
    assert "numpy (" not in check.detail
    assert "python3 installer doctor" in check.remedy


def test_home_need_not_exist_yet(home: Path) -> None:
    check = doctor.check_home()

    assert check.ok
    assert str(home) in check.detail
    assert not home.exists()


def test_home_with_little_room(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_JOB_ROOM_GIB", 1e9)

    check = doctor.check_home()

    assert not check.ok
    assert "VOID_HOME" in check.remedy


def test_home_below_a_file(home: Path) -> None:
    home.write_text("")

    check = doctor.check_home()

    assert not check.ok
    assert "cannot be written to" in check.detail


def test_device_without_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(doctor, "_nvidia_card", lambda: "")

    check = doctor.check_device()

    assert check.ok
    assert "propagation engine" in check.detail


def test_device_without_pytorch_beside_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(doctor, "_nvidia_card", lambda: "NVIDIA RTX 6000")

    check = doctor.check_device()

    assert check.ok
    assert check.detail.startswith("NVIDIA RTX 6000")
    assert "diffusion" in check.remedy


def test_a_damaged_pytorch_is_a_finding(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    real_import = builtins.__import__

    def damaged(name: str, *rest: Any, **more: Any) -> Any:
        if name == "torch":
            raise OSError("libtorch_cpu.so: wrong ELF class")
        return real_import(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", damaged)
    monkeypatch.setattr(doctor, "_CHECKS", tuple(row for row in doctor._CHECKS if row[0] == "Device"))

    (check,) = run_checks()

    assert not check.ok
    assert "wrong ELF class" in check.detail
    assert "PyTorch" in check.remedy


def test_no_models_is_no_failure(home: Path) -> None:
    check = doctor.check_models()

    assert check.ok
    assert "the propagation engine will be used" in check.detail


def test_a_model_folder_that_is_not_there(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOID_MODELS", str(tmp_path / "gone"))

    check = doctor.check_models()

    assert not check.ok
    assert "gone" in check.detail


def test_a_model_folder_with_gaps_names_them(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOID_MODELS", str(tmp_path))

    check = doctor.check_models()

    assert not check.ok
    assert "void_pass1.safetensors" in check.detail


@pytest.mark.parametrize(("passes", "told"), [((1,), "pass 1 only"), ((1, 2), "both passes")])
def test_a_model_folder_with_what_is_needed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passes: tuple[int, ...], told: str
) -> None:
    folder = ModelFolder(tmp_path)
    files = [
        folder.transformer_config,
        folder.scheduler_config,
        folder.vae / "config.json",
        folder.vae / "diffusion_pytorch_model.safetensors",
        folder.text_encoder / "config.json",
        folder.text_encoder / "model.safetensors",
        folder.tokenizer / "spiece.model",
        *(folder.pass_weights(number) for number in passes),
    ]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.setenv("VOID_MODELS", str(tmp_path))

    check = doctor.check_models()

    assert check.ok
    assert told in check.detail


def test_exr_comes_back_bit_exact() -> None:
    assert doctor.check_exr() == Check(
        "EXR", True, "half float written and read back, bit-exact, with values from -0.5 to 20"
    )


def test_exr_that_comes_back_changed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from void_engine.plates.exr import file as exr

    monkeypatch.setattr(exr, "read_frame", lambda path, number: doctor._test_frame(number + 1))

    assert not doctor.check_exr().ok


def test_a_job_goes_through_a_real_server(home: Path) -> None:
    check = doctor.check_server()

    assert check.ok, check.detail
    assert "bit-exact" in check.detail
    assert not home.exists()  # the artist's own keys and jobs are left alone


def test_a_job_that_fails_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    real = doctor._test_job

    def of_no_engine(folder: Path) -> Any:
        job = real(folder)
        return msgspec.structs.replace(
            job, settings=msgspec.structs.replace(job.settings, engine="no-such-engine")
        )

    monkeypatch.setattr(doctor, "_test_job", of_no_engine)

    check = doctor._attempt("Server", doctor.check_server, "")

    assert not check.ok
    assert "no-such-engine" in check.detail
