"""Engines as a server tells them."""

from __future__ import annotations

from void_protocol.engines import EngineDescription, OptionDescription

PROPAGATION = EngineDescription(
    name="propagation", title="Propagation", summary="From the plate's own pixels."
)
VOID = EngineDescription(
    name="void",
    title="VOID model",
    summary="A diffusion model.",
    reads_prompt=True,
    options=[
        OptionDescription(name="speed", kind="text", default="exact", choices=["exact", "fast", "draft"]),
        OptionDescription(name="passes", kind="int", default=1, low=1, high=2),
    ],
    presets={"preview": {"speed": "draft"}, "finest": {"passes": 2}},
)
IDENTITY = EngineDescription(name="identity", title="Identity", is_for_artists=False)
TOLD = (IDENTITY, PROPAGATION, VOID)
