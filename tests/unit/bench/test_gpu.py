"""Every measurement of the GPU's bench, on the tiny model: on the CPU, and on a GPU where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from tests.bench.gpu import __main__ as bench  # noqa: E402
from tests.bench.gpu import memory, speed  # noqa: E402
from tests.bench.gpu.random_models import REAL, configs_of, drawn_on, make_folder  # noqa: E402
from tests.bench.gpu.rig import Rig, Row  # noqa: E402
from void_engine.diffusion.memory_plan import ModelNeeds  # noqa: E402
from void_engine.diffusion.model import offload  # noqa: E402
from void_engine.diffusion.model.tiny import make_tiny  # noqa: E402
from void_engine.diffusion.model.weights import build_transformer, transformer_config  # noqa: E402
from void_engine.diffusion.sampling.denoise import predict_velocity  # noqa: E402

pytestmark = pytest.mark.usefixtures("only_new_garbage_is_collected")

SMALL = replace(bench.TINY_SCALE, steps=3, lengths=(13, 29), removals=2, window=5, overlap=0)
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
# What must be told by each part, and how many lines at least.
ROWS = {
    "golden": ("whole pass, bfloat16", 15),
    "overflow": ("a removal whose weights are too large for float16", 3),
    "step": ("a step of 3 in the engine's loop over the bare call", 8),
    "coding": ("decode a frame, 4 tiles a side", 6),
    "modes": ("peak, mode fp8", 4),
    "streaming": ("fp8: relative difference of the answer", 4),
    "sharing": ("two processes on one device", 2),
    "ladder": ("unknown to the planner", 4),
    "length": ("growth from 13 to 29 frames", 3),
    "caches": ("step cache mag, draft", 6),
    "growth": ("2 removals: growth", 1),
    "compile": ("compiled, attention as chosen: a call", 2),
}
# What a device of a bench for the tiny model cannot tell: it is too little work.
NOT_TOLD = ("over the bare call", "share of the chip", "compiled, attention as chosen: a call", "peak, mode")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("gpu")
    return make_folder(root / "models", SMALL.size).root, make_tiny(root / "tiny").root


@pytest.fixture
def make_rig(folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("VOID_CACHE", str(tmp_path / "cache"))
    torch.set_num_threads(1)
    models, tiny = (offload.ModelFolder(root) for root in folders)

    def make(device: str) -> Rig:
        return Rig(torch.device(device), SMALL, models, tiny, tmp_path)

    return make


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", bench.SECTIONS)
def test_every_part_of_the_table_is_made(
    name: str, device: str, make_rig: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = make_rig(device)
    bench.measure(rig, [name], 60)
    told = capsys.readouterr().out.splitlines()
    wanted, least = ROWS[name]
    lines = [line for line in told if line.startswith("  ")]
    assert any(wanted in line for line in lines), told
    assert len(lines) >= least, told
    missed = [line for line in lines if "MISSED" in line and not any(part in line for part in NOT_TOLD)]
    assert missed == []


def test_the_whole_table_needs_no_network_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def rows(rig: Rig) -> Iterator[Row]:
        assert rig.folder.pass_weights(1).is_file()
        yield Row("good", "1", "1", True)
        yield Row("bad", "2", "1", False)

    def broken(rig: Rig) -> Iterator[Row]:
        raise ValueError("no such kernel")
        yield

    monkeypatch.setenv("VOID_CACHE", "before")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(bench, "SECTIONS", {"broken": broken, "rows": rows})
    assert bench.main(["--tiny", "--device", "cpu"]) == 1
    told = capsys.readouterr().out
    assert "the tiny model: figures mean nothing" in told
    assert "MISSED broken" in told
    assert "ValueError: no such kernel" in told
    assert "ok     good" in told
    assert "2 aims missed" in told
    assert bench.os.environ["VOID_CACHE"] == "before"
    assert bench.main(["--tiny", "--device", "cpu", "--minutes", "-1"]) == 0
    assert "rows: left out" in capsys.readouterr().out


@pytest.mark.slow
def test_the_real_size_is_that_of_the_real_model() -> None:
    """85 frames at 384x672 are 11,314 tokens and 174 TFLOP a call."""
    model = build_transformer(configs_of(REAL)["transformer"])
    assert sum(parameter.numel() for parameter in model.parameters()) == 5_571_462_784
    with torch.device("meta"), torch.no_grad(), speed.FlopCounterMode(display=False) as counter:
        predict_velocity(
            model, torch.empty(1, 22, 16, 48, 84), torch.empty(1, 22, 32, 48, 84),
            torch.empty(1, 226, 4096), torch.empty(1),
        )  # fmt: skip
    assert counter.get_total_flops() / 1e12 == pytest.approx(174, rel=0.03)


def test_weights_are_drawn_where_the_engine_would_read_them(folders: tuple[Path, Path]) -> None:
    folder = offload.ModelFolder(folders[0])
    with drawn_on(torch.device("cpu")):
        drawn = offload.load_transformer(
            transformer_config(folder.base), folder.pass_weights(1), torch.bfloat16
        )
        again = offload.load_transformer(
            transformer_config(folder.base), folder.pass_weights(1), torch.bfloat16
        )
    assert {parameter.dtype for parameter in drawn.parameters()} == {torch.bfloat16}
    assert all(
        torch.equal(one, other) for one, other in zip(drawn.parameters(), again.parameters(), strict=True)
    )


def test_a_removal_in_little_memory_ends_as_the_planner_says() -> None:
    needs = ModelNeeds(10 << 30, 1 << 28, 1 << 30, 1 << 28, 1 << 30, 2 << 30, 9 << 30, 1 << 28)
    full, model, group = (needs.device_bytes(mode) for mode in ("full", "model", "group"))
    assert full > model > group
    assert memory.expected(needs, full, told=True) == "made in mode full"
    assert memory.expected(needs, full - 1, told=True) == "made in mode model"
    assert memory.expected(needs, group, told=True) == "made in mode group"
    assert memory.expected(needs, group - 1, told=True) == "refused"
    assert memory.expected(needs, full - 1, told=False) == "made in mode model"
    # An engine that was told wrong tries one more mode, and no third.
    assert memory.expected(needs, model - 1, told=False) == "refused"


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H200", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA L40S", 362),
        ("NVIDIA L4", 121),
        ("Voodoo 2", None),
    ],
)
def test_a_chip_is_known_by_its_name(name: str, peak: int | None) -> None:
    assert speed.chip_peak(name) == peak


def test_what_only_a_gpu_is_asked_is_asked_with_its_number(
    make_rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls of CUDA's allocator, on a stand-in that takes only what the real one takes."""
    held, fractions = [5, 7], []

    def numbered(device: Any) -> None:
        assert device == torch.device("cuda", 0)

    def give(value: Any) -> Any:
        return lambda device: (numbered(device), value)[1]

    def limit(fraction: float, device: Any) -> None:
        numbered(device)
        fractions.append(fraction)

    about = SimpleNamespace(name="NVIDIA H200", total_memory=139 << 30, major=9, minor=0)
    for name, stand_in in {
        "synchronize": numbered,
        "reset_peak_memory_stats": numbered,
        "empty_cache": lambda: None,
        "max_memory_reserved": give(3 << 30),
        "mem_get_info": give((100 << 30, 120 << 30)),
        "set_per_process_memory_fraction": limit,
        "get_device_properties": give(about),
        "memory_allocated": lambda device: (numbered(device), held.pop(0))[1],
        "current_device": lambda: 0,
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    assert bench.chosen_device("cuda") == bench.chosen_device("cuda:0") == torch.device("cuda", 0)
    rig = make_rig("cuda:0")
    assert rig.on_gpu
    assert rig.dtype == torch.bfloat16
    assert rig.peak(lambda: None) == 3 << 30
    assert rig.seconds(lambda: None, times=1) >= 0
    with memory.at_most(rig, 12 << 30):
        assert fractions == [0.1]
    assert fractions == [0.1, 1.0]
    assert "NVIDIA H200, 139.00 GiB, compute 9.0" in bench.heading(rig, tiny=False)
    monkeypatch.setattr(Rig, "removal", lambda *given, **options: None)
    grown, *_ = memory.growth(rig)
    assert (grown.figure, grown.ok) == ("2 bytes", False)
