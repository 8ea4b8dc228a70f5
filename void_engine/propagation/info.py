"""The description of the propagation engine, with which the registry finds it."""

from __future__ import annotations

from void_engine.engines.info import EngineInfo, missing_packages
from void_engine.engines.options import options_of
from void_engine.propagation.options import PropagationOptions

INFO = EngineInfo(
    name="propagation",
    title="Propagation",
    summary="Takes hidden pixels from the frames that show them; needs neither a model nor a GPU.",
    factory="void_engine.propagation.engine:PropagationEngine",
    unavailable=lambda: missing_packages(("cv2", "numpy"), "engine"),
    memory_plan="void_engine.propagation.memory_plan:main_memory",
    part_overlap=8,
    options=options_of(PropagationOptions),
    auto_rank=10,
)
