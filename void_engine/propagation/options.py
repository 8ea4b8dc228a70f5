"""The options of the propagation engine that a job may set."""

from __future__ import annotations

from dataclasses import dataclass

from void_engine.engines.options import option

DEFAULT_GRAIN = 0.95
"""How much of the plate's fine detail is restored. New grain is never the true grain and so costs fidelity
(0.1 dB here against 0.88); a patch with less of it is told apart from its surroundings by ``void check``."""
MOTIONS = ("auto", "locked-off", "one-plane", "two-layers")
SOURCES = ("near", "balanced", "far")
FILLS = ("texture", "smooth")


@dataclass(frozen=True, slots=True)
class PropagationOptions:
    """The engine's options. Each field is an option of a job."""

    grain: float = option(
        DEFAULT_GRAIN,
        "How much of the plate's fine detail is put back where pixels were averaged.",
        low=0,
        high=1,
    )
    motion: str = option(
        "auto",
        "How the background moves: as measured, not at all, as one plane, or as one layer before another.",
        choices=MOTIONS,
    )
    sources: str = option(
        "balanced",
        "Which frames pixels are taken from: the nearest, or farther ones too, which average more grain.",
        choices=SOURCES,
    )
    fill: str = option(
        "texture",
        "What no frame shows is filled with texture from around it, or smoothly.",
        choices=FILLS,
    )
