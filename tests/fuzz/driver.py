"""Runs a fuzz target by hand, for as long as one likes: ``python -m tests.fuzz.exr --seconds 600``.

With atheris (libFuzzer for Python; ``pip install atheris``, Linux and macOS) inputs are bred for coverage of
our Python code; without it, seeds are mutated at random. A crash, a hang, too much memory, or an exception
that the target does not allow ends the run with the input in a file and a status that is not 0.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FunctionType

Target = Callable[[bytes], None]

_OURS = ("void_protocol", "void_engine", "void_server")
LONGEST_RUN_S = 20
MEMORY_MIB = 3072


def explained(error: Exception, *words: str) -> None:
    """An error that is allowed has to say something, with these words."""
    assert str(error)
    assert all(word in str(error) for word in words), error


def mutations(seeds: Sequence[bytes], chance: random.Random) -> Iterator[bytes]:
    """Endless variations of the seeds: bytes and integers changed, pieces cut, doubled, moved and mixed."""
    while True:
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 1, 2, 3, 8, 30))):
            if not data:
                break
            _mutate(data, chance, seeds)
        yield bytes(data)


def _mutate(data: bytearray, chance: random.Random, seeds: Sequence[bytes]) -> None:
    at, kind = chance.randrange(len(data)), chance.randrange(7)
    length = min(chance.choice((1, 2, 4, 8, 64, 512)), len(data) - at)
    if kind == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        data[at : at + length] = chance.randbytes(length)
    elif kind == 2:
        value = chance.choice((0, 1, -1, 255, 32767, 2**31 - 1, -(2**31), 1 << 20, chance.randrange(1 << 31)))
        data[at : at + 4] = value.to_bytes(4, "little", signed=True)
    elif kind == 3:
        del data[at : at + length]
    elif kind == 4:
        data[at:at] = data[at : at + length]
    elif kind == 5:
        other = chance.choice(seeds)
        start = chance.randrange(len(other) or 1)
        data[at:at] = other[start : start + length]
    else:
        del data[at + length * 8 :]


def main(target: Target, seeds: Sequence[bytes], name: str) -> None:
    """Run one target from the command line."""
    parser = argparse.ArgumentParser(description=f"Fuzz {name}.")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--longest-bytes", type=int, default=8192)
    parser.add_argument("--plain", action="store_true", help="mutate at random, without atheris")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    arguments = parser.parse_args()
    if not arguments.plain:
        try:
            import atheris
        except ImportError:
            print("atheris is not installed; mutating at random", file=sys.stderr)
        else:
            _with_atheris(atheris, target, seeds, name, arguments)
            return
    _plain(target, seeds, name, arguments)


def _with_atheris(
    atheris: object, target: Target, seeds: Sequence[bytes], name: str, arguments: argparse.Namespace
) -> None:
    folder = Path(tempfile.mkdtemp(prefix=f"void-fuzz-{name}-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    for index, seed in enumerate(seeds):
        (corpus / f"seed-{index}").write_bytes(seed)
    for function in {target, *_our_functions()}:
        atheris.instrument_func(function)  # type: ignore[attr-defined]
    flags = [
        f"-max_total_time={arguments.seconds}", f"-max_len={arguments.longest_bytes}",
        f"-timeout={LONGEST_RUN_S}", f"-rss_limit_mb={MEMORY_MIB}", f"-artifact_prefix={folder}/",
        f"-seed={arguments.seed}", "-print_final_stats=1",
    ]  # fmt: skip
    print(f"corpus and crashes: {folder}", file=sys.stderr)
    atheris.Setup([sys.argv[0], *flags, str(corpus)], target)  # type: ignore[attr-defined]
    atheris.Fuzz()  # type: ignore[attr-defined]


def _our_functions() -> Iterator[FunctionType]:
    """What coverage is counted in."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _OURS:
            for thing in list(vars(module).values()):
                inner = (
                    vars(thing).values() if isinstance(thing, type) and thing.__module__ == name else [thing]
                )
                yield from (
                    each for each in inner if isinstance(each, FunctionType) and each.__module__ == name
                )


def _plain(target: Target, seeds: Sequence[bytes], name: str, arguments: argparse.Namespace) -> None:
    chance = random.Random(arguments.seed or time.time_ns())
    end = time.monotonic() + arguments.seconds
    runs, slowest = 0, 0.0
    last = Path(tempfile.mkdtemp(prefix=f"void-fuzz-{name}-")) / "last"
    for data in mutations(seeds, chance):
        last.write_bytes(data)  # what a crash of native code leaves behind
        began = time.monotonic()
        try:
            target(data)
        except BaseException:
            print(f"after {runs} runs, on the input in {last}:", file=sys.stderr)
            raise
        slowest = max(slowest, time.monotonic() - began)
        runs += 1
        if time.monotonic() > end:
            break
    print(f"{name}: {runs} runs, slowest {slowest:.3f} s, no crash")
