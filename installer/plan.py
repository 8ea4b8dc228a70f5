"""Says what each verb needs to have installed, step by step."""

from __future__ import annotations

from dataclasses import dataclass

_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class InstallStep:
    """One call of pip. It is remembered when it is done, so that a second run goes on after it.

    ``requirements`` are names of distributions, whose versions are the constraints'. ``extras`` are this
    project's, which is then installed in place. ``needs_bytes`` is the disk space that the step may take.
    """

    title: str
    requirements: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    needs_bytes: int = _GIB


# torch comes before the rest because it is by far the largest: when its download breaks off, nothing
# else has to be done again.
_TORCH = InstallStep("PyTorch", requirements=("torch",), needs_bytes=8 * _GIB)

ZIG = InstallStep("Zig, where there is no C++ compiler", requirements=("ziglang",))
"""A compiler for the OpenFX plug-in, for this machine and for others."""

INSTALL_STEPS: dict[str, tuple[InstallStep, ...]] = {
    # The README goes on with a shot of the reader's own, from a movie to the pages of a review.
    "demo": (InstallStep("VOID server, engine and demo", extras=("demo", "movies", "review")),),
    "test": (_TORCH, InstallStep("VOID with tests and models", extras=("test", "diffusion", "reason"))),
    "doctor": (InstallStep("VOID server and engine", extras=("server",)),),
    "nuke": (InstallStep("VOID server and engine", extras=("review",)),),
    "openfx": (InstallStep("VOID server and engine", extras=("server",)),),
}
"""The verbs, and what has to be installed for each, in order."""
