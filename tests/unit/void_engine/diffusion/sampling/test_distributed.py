"""Several real processes over gloo give the same result as one."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")
if not torch.distributed.is_available():
    pytest.skip("this PyTorch has no torch.distributed", allow_module_level=True)

from safetensors.torch import load_file  # noqa: E402

from tests.unit.void_engine.diffusion.sampling.group_member import denoised, member  # noqa: E402
from void_engine.diffusion.sampling.distributed import current_process_group  # noqa: E402
from void_engine.diffusion.sampling.process_group import SingleProcess  # noqa: E402
from void_engine.diffusion.torchrun import process_count, process_rank  # noqa: E402

LATENTS = 14  # That makes six windows of four latents, or eight, which three processes do not divide evenly.


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.BaseContext:
    """A context whose processes start from one with the libraries loaded, where the system has such."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    context.set_forkserver_preload([member.__module__])
    return context


@dataclass(frozen=True)
class Ended:
    codes: list[int | None]
    said: list[str]
    out: Path


@pytest.fixture
def run_group(
    processes: multiprocessing.context.BaseContext, tiny_root: Path, tmp_path: Path
) -> Callable[..., Ended]:
    """Give a function that starts processes as torchrun does, and waits for all of them."""

    def run(size: int, latents: int = LATENTS, how: str = "") -> Ended:
        port, out = free_port(), tmp_path / "out"
        said = [tmp_path / f"said-{rank}" for rank in range(size)]
        started = [
            processes.Process(  # type: ignore[attr-defined]
                target=member, args=(rank, size, port, said[rank], tiny_root, latents, out, how)
            )
            for rank in range(size)
        ]
        for process in started:
            process.start()
        for process in started:
            process.join(120)
        codes = [process.exitcode for process in started]
        for process in started:
            process.kill()
        return Ended(codes, [path.read_text() if path.exists() else "" for path in said], out)

    return run


@pytest.mark.slow
@pytest.mark.parametrize(("size", "latents"), [(2, LATENTS), (3, LATENTS + 4)])
def test_several_processes_give_one_process_s_bits(
    size: int, latents: int, tiny_root: Path, run_group: Callable[..., Ended]
) -> None:
    ended = run_group(size, latents)
    assert ended.codes == [0] * size, ended.said
    assert torch.equal(load_file(ended.out)["latents"], denoised(tiny_root, latents, SingleProcess()))


def test_a_stop_of_the_leader_ends_the_step_everywhere(run_group: Callable[..., Ended]) -> None:
    ended = run_group(2, how="cancel")
    assert ended.out.read_text() == "RemovalCancelled"
    assert ended.codes == [1, 0]


def test_an_overflow_of_a_follower_is_the_leader_s(run_group: Callable[..., Ended]) -> None:
    assert run_group(2, how="overflow").out.read_text() == "PrecisionOverflow"


def test_a_broken_follower_stops_the_leader_instead_of_hanging_it(run_group: Callable[..., Ended]) -> None:
    ended = run_group(2, how="fail")
    assert ended.out.read_text() == "PeerError"
    assert ended.codes == [1, 1]
    assert "a bug of the test's" in ended.said[1]


def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "4")  # Here it is a variable of the farm, not of torchrun.
    assert (process_count(), process_rank()) == (1, 0)
    assert isinstance(current_process_group(), SingleProcess)
    monkeypatch.setenv("RANK", "3")
    assert (process_count(), process_rank()) == (4, 3)
