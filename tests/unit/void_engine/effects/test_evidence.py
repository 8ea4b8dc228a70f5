"""Evidence is held in half floats and comes back as it was."""

from __future__ import annotations

import numpy as np

from void_engine.effects.evidence import Evidence


def test_packed_evidence_takes_half_the_memory_and_comes_back() -> None:
    generator = np.random.default_rng(0)
    planes = [generator.uniform(0, 1, (20, 30)).astype(np.float32) for _ in range(9)]
    planes[0][0, 0] = 1e6
    change = generator.normal(0, 0.1, (20, 30, 3)).astype(np.float32)
    evidence = Evidence(change, *planes, np.ones((20, 30), bool), 1.5)
    packed = evidence.packed()
    assert packed.planes.nbytes == 24 * 600
    back = packed.unpacked()
    assert np.isfinite(back.strength).all()
    assert back.strength[0, 0] > 100
    assert back.restless == 1.5
    for name in ("amount", "broad", "known", "unrest", "seen_away", "step", "texture", "edge", "change"):
        assert np.allclose(getattr(back, name), getattr(evidence, name), atol=1e-3), name
        assert getattr(back, name).dtype == np.float32
