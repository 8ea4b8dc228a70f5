"""Distributed denoising: several processes denoise one shot and exchange shared latents after every step.

``torchrun`` starts one process for each device. The first one leads: it reads the shot, encodes, decodes and
writes. The others wait for orders, load the denoiser and compute the windows that they own. Control messages
go over gloo, latents over gloo on CPUs and over nccl on GPUs. In float32 on CPUs the result equals that of a
single process to the bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import IntEnum
from typing import Any

import torch
import torch.distributed as dist

from void_engine.diffusion.errors import DeviceError, PeerError
from void_engine.diffusion.model.offload import PrecisionOverflow
from void_engine.diffusion.sampling.denoise import DenoiseInputs
from void_engine.diffusion.sampling.process_group import ProcessGroup, SingleProcess, share, shared_part, span
from void_engine.diffusion.sampling.windows import CrossingRamps, Window, WindowBlend
from void_engine.diffusion.torchrun import LEADER, local_rank
from void_engine.errors import RemovalCancelled

# Followers wait for orders while the leader encodes or decodes, however long that takes, so the timeout is
# long. It need not be short: a process that dies closes its connections, which the others notice at once.
_PATIENCE = timedelta(days=7)

Order = Mapping[str, Any]
"""An order of the leader in plain JSON values: what is to be denoised, and how."""


class _Outcome(IntEnum):
    """The ways in which a process' part of a step may end, the gravest last."""

    DONE = 0
    OVERFLOW = 1
    OUT_OF_MEMORY = 2
    CANCELLED = 3
    FAILED = 4


def current_process_group() -> ProcessGroup:
    """The group of the processes that have joined, or this process alone."""
    return TorchProcessGroup() if dist.is_available() and dist.is_initialized() else SingleProcess()


class TorchProcessGroup:
    """The processes in torch.distributed's default group, as a
    :class:`~void_engine.diffusion.sampling.process_group.ProcessGroup`."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        nccl = torch.cuda.is_available() and "nccl" in str(dist.get_backend_config())
        self._carrier = torch.device("cuda", torch.cuda.current_device()) if nccl else torch.device("cpu")

    @property
    def leads(self) -> bool:
        return self.rank == LEADER

    def own(self, count: int) -> range:
        return share(count, self.size)[self.rank]

    @contextmanager
    def step(self) -> Iterator[None]:
        """Run one step in this context, and exchange outcomes with the other processes at its end.

        A process that fails still takes part in the exchange, so that no other waits for ever.

        Raises:
            PrecisionOverflow, torch.OutOfMemoryError, RemovalCancelled: when this or another process raised
                it.
            PeerError: when another process failed in another way.
        """
        try:
            yield
        except BaseException as error:
            self._worst(_outcome_of(error))
            raise
        outcome = self._worst(_Outcome.DONE)
        if outcome is _Outcome.OVERFLOW:
            raise PrecisionOverflow
        if outcome is _Outcome.OUT_OF_MEMORY:
            raise torch.OutOfMemoryError("another process ran out of device memory")
        if outcome is _Outcome.CANCELLED:
            raise RemovalCancelled("another process was stopped")
        if outcome is _Outcome.FAILED:
            raise PeerError("another of the processes failed; mend what its own message says and run again")

    def joined(
        self,
        windows: Sequence[Window],
        answers: Mapping[int, torch.Tensor],
        latents: torch.Tensor,
        crossing: CrossingRamps = "smaller",
    ) -> torch.Tensor:
        if len(windows) == 1:
            return answers.get(0, latents)
        shares = share(len(windows), self.size)
        mine = span(windows, shares[self.rank])
        outgoing: list[tuple[int, torch.Tensor]] = []
        incoming: list[tuple[int, torch.Tensor]] = []
        parts: dict[int, tuple[torch.Tensor, Window]] = {
            index: (answer, windows[index]) for index, answer in answers.items()
        }
        for peer, run in enumerate(shares):
            if peer == self.rank:
                continue
            theirs = span(windows, run)
            for index in shares[self.rank]:
                window = windows[index]
                if part := shared_part(window, theirs):
                    section = answers[index][:, part.start - window.start : part.stop - window.start]
                    outgoing.append((peer, section))
            for index in run:
                if part := shared_part(windows[index], mine):
                    section = torch.empty_like(latents[:, part.start : part.stop])
                    incoming.append((peer, section))
                    parts[index] = (section, part)
        arrived = iter(self._exchange(outgoing, incoming))
        for index in parts:
            if index not in answers:
                parts[index] = (next(arrived), parts[index][1])
        if not shares[self.rank]:
            return latents
        blend = WindowBlend(windows, latents, mine, crossing)
        for index in sorted(parts):
            answer, part = parts[index]
            blend.add(index, answer, part)
        result = latents.clone()
        result[:, mine.start : mine.stop] = blend.result().to(latents.dtype)
        return result

    def whole(self, windows: Sequence[Window], latents: torch.Tensor) -> torch.Tensor:
        shares = share(len(windows), self.size)
        spans = [span(windows, run) for run in shares]
        busy = [rank for rank, run in enumerate(shares) if run]
        ends = [spans[rank].start for rank in busy[1:]] + [latents.shape[1]]
        cores = {rank: Window(spans[rank].start, end) for rank, end in zip(busy, ends, strict=True)}
        if not self.leads:
            core = cores.get(self.rank)
            if core is not None:
                self._exchange([(LEADER, latents[:, core.start : core.stop])], [])
            return latents
        others = {rank: core for rank, core in cores.items() if rank != LEADER}
        incoming = [
            (rank, torch.empty_like(latents[:, core.start : core.stop])) for rank, core in others.items()
        ]
        result = latents.clone()
        for core, section in zip(others.values(), self._exchange([], incoming), strict=True):
            result[:, core.start : core.stop] = section
        return result

    # --- orders

    def give_order(self, order: Order | None, inputs: DenoiseInputs | None = None) -> None:
        """Send the followers their next order; None ends them."""
        _broadcast_bytes(json.dumps(order).encode())
        if order is None or inputs is None:
            return
        for tensor in (inputs.latents, inputs.condition, *inputs.texts):
            _broadcast_tensor(tensor)

    def take_order(self) -> tuple[Order, DenoiseInputs] | None:
        """Wait for the leader's next order; None when there is no more work."""
        order = json.loads(_broadcast_bytes(None))
        if order is None:
            return None
        latents, condition = _broadcast_tensor(None), _broadcast_tensor(None)
        texts = [_broadcast_tensor(None) for _ in range(order["texts"])]
        return order, DenoiseInputs(latents, condition, texts)

    # --- transport

    def _worst(self, outcome: _Outcome) -> _Outcome:
        flag = torch.tensor([int(outcome)], dtype=torch.int32)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return _Outcome(int(flag))

    def _exchange(
        self, outgoing: list[tuple[int, torch.Tensor]], incoming: list[tuple[int, torch.Tensor]]
    ) -> list[torch.Tensor]:
        """Send and receive tensors at the same time; between two processes they keep their order."""
        sent = [(peer, tensor.to(self._carrier).contiguous()) for peer, tensor in outgoing]
        received = [(peer, torch.empty_like(tensor, device=self._carrier)) for peer, tensor in incoming]
        operations = [dist.P2POp(dist.isend, tensor, peer) for peer, tensor in sent]
        operations += [dist.P2POp(dist.irecv, tensor, peer) for peer, tensor in received]
        if operations:
            for work in dist.batch_isend_irecv(operations):
                work.wait()
        return [tensor.to(place.device) for (_, tensor), (_, place) in zip(received, incoming, strict=True)]


@contextmanager
def joined_processes(device_type: str) -> Iterator[TorchProcessGroup]:
    """Join the processes that ``torchrun`` started; at the end of the context the leader ends the others.

    Args:
        device_type: ``cuda`` sends latents over nccl, ``cpu`` over gloo.

    Raises:
        DeviceError: when there are more processes on this machine than CUDA devices, or nccl is missing.
    """
    if device_type == "cuda":
        local = local_rank() or 0
        if not dist.is_nccl_available():
            raise DeviceError("PyTorch was built without nccl; run one process, or device 'cpu'")
        if local >= torch.cuda.device_count():
            raise DeviceError(
                f"process {local} has no CUDA device of its own ({torch.cuda.device_count()} are there); "
                "start no more processes than devices (torchrun --nproc-per-node)"
            )
        torch.cuda.set_device(local)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device_type == "cuda" else "gloo", timeout=_PATIENCE)
    group = TorchProcessGroup()
    try:
        yield group
        if group.leads:
            group.give_order(None)
    except PeerError:
        raise  # The other processes are ending already.
    except BaseException:
        if group.leads:
            group.give_order(None)
        raise
    finally:
        dist.destroy_process_group()


def follow(group: TorchProcessGroup, carry_out: Callable[[Order, DenoiseInputs], None]) -> None:
    """Carry out the leader's orders until there are no more. An error here ends the run in every process."""
    while (work := group.take_order()) is not None:
        try:
            carry_out(*work)
        except (RemovalCancelled, PrecisionOverflow, torch.OutOfMemoryError, PeerError):
            # The leader knows of the error; it continues in another precision or mode, or ends all processes.
            continue


def _outcome_of(error: BaseException) -> _Outcome:
    if isinstance(error, PrecisionOverflow):
        return _Outcome.OVERFLOW
    if isinstance(error, torch.OutOfMemoryError):
        return _Outcome.OUT_OF_MEMORY
    if isinstance(error, RemovalCancelled | KeyboardInterrupt | GeneratorExit):
        return _Outcome.CANCELLED
    return _Outcome.FAILED


def _broadcast_bytes(content: bytes | None) -> bytes:
    """Send the leader's bytes to all processes. They hold text and no pickles, so they cannot run code."""
    size = torch.tensor([len(content or b"")], dtype=torch.int64)
    dist.broadcast(size, LEADER)
    data = torch.empty(int(size), dtype=torch.uint8)
    if content is not None:
        data.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
    dist.broadcast(data, LEADER)
    return data.numpy().tobytes()


_DTYPES = {str(dtype): dtype for dtype in (torch.float32, torch.float16, torch.bfloat16)}


def _broadcast_tensor(tensor: torch.Tensor | None) -> torch.Tensor:
    head = None if tensor is None else json.dumps([str(tensor.dtype), list(tensor.shape)]).encode()
    dtype, shape = json.loads(_broadcast_bytes(head))
    data = torch.empty(shape, dtype=_DTYPES[dtype]) if tensor is None else tensor.cpu().contiguous()
    dist.broadcast(data, LEADER)
    return data
