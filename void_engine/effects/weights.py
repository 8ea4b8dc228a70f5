"""The weights of the pixels' odds, of the regions' scores and of confidence.

They were fitted once to shots of known truth that ``tests/bench/shots/touched.py`` drew over twenty movies;
docs/affected.md tells how well they do on movies that were kept aside.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from void_engine.arrays import Float32Array, Float64Array

_PIXELS = """
evident|0.557|-0.16 1.11 0.34 -0.66 0.33 -1.01 0.13 0.32 -0.04 0.92 -0.92 -1.22 0.18 0.19 0.67 0.44
soft|0.483|-0.46 -0.47 0.93 -0.04 -0.37 -0.31 -0.31 1.14 0.02 -0.14 0.53 0.87 -0.85 1.44 0.81 -0.21
wide|0.543|-0.24 -0.71 -0.41 -1.45 -0.08 -1.27 0.30 -0.56 -0.60 0.21 -1.31 -0.38 0.10 0.22 -0.10 0.11
amount|0.952|-0.05 -0.06 0.07 -0.03 -0.07 -0.14 0.12 -0.13 -0.16 -0.28 0.03 0.33 0.23 -0.07 0.36 -0.01
share|0.122|-0.28 2.37 -1.69 1.71 2.92 0.68 1.54 1.56 -2.02 -0.32 -1.81 1.18 -1.19 0.34 -0.68 -0.45
share max|0.155|1.09 -1.00 -0.16 -0.98 0.07 -0.91 -0.67 0.07 -1.66 -0.09 -0.47 -0.16 0.24 -0.53 -0.20 0.65
share min|0.0604|1.61 0.17 0.30 1.31 -0.03 2.35 0.71 -0.17 1.40 -0.67 -1.11 1.14 2.84 1.22 0.03 1.69
plain max|0.287|0.13 -1.46 -1.13 -0.72 1.84 -0.98 -0.99 -1.53 -1.42 0.36 -0.68 0.43 1.21 -0.37 -0.72 0.59
plain min|0.131|-1.14 0.54 -1.78 -1.26 -0.99 -0.96 -1.20 0.25 -0.30 -0.72 1.19 0.26 -1.39 -0.86 -0.16 0.19
alike|0.106|0.46 -0.41 -0.94 -0.01 0.94 0.33 0.88 0.65 -0.60 -0.39 -0.34 0.57 -0.63 1.19 -2.24 0.93
alike max|0.153|0.44 0.58 0.07 0.32 0.04 -0.05 -0.14 -0.65 1.07 -0.25 0.87 -0.01 0.39 0.15 0.65 0.38
alike min|0.0479|1.28 -1.11 -2.17 -1.68 0.43 2.39 1.76 0.30 1.30 0.21 -1.15 -0.57 0.10 0.79 -3.96 0.95
chance|0.177|-0.32 2.80 -0.47 -0.10 0.28 0.74 -0.36 -3.75 1.59 -2.15 -1.83 1.96 0.76 -3.99 -0.75 -2.27
step|0.0938|-0.89 -0.05 -2.26 -0.82 -1.90 1.35 1.99 -0.02 0.50 0.85 0.95 -1.74 -0.68 0.18 -0.62 -1.09
seen|0.133|-0.83 0.26 1.31 2.83 0.12 -1.34 2.94 0.72 0.91 0.31 -0.77 -2.29 -0.77 -0.79 -0.37 3.11
texture|0.425|-0.65 -0.33 0.75 -1.64 -0.07 -1.09 0.41 -0.04 1.20 0.40 -0.33 -0.11 -0.33 -1.12 0.12 -0.76
darker|0.0559|0.34 -0.18 0.57 -0.61 0.58 -0.27 0.04 -1.22 -1.29 -0.07 0.81 0.09 -0.03 -0.04 0.50 0.30
colour|0.474|-0.46 0.46 0.15 0.02 0.12 -0.08 0.22 -0.18 -0.29 -0.23 0.35 0.35 -0.16 -0.38 0.22 0.01
near|0.284|-0.54 -0.34 -0.13 0.40 -0.79 -0.93 0.70 0.56 -1.64 1.70 1.88 0.59 0.05 -0.52 -0.36 -0.00
far|-0.236|-0.23 -0.26 -0.27 -0.00 0.19 0.04 -0.11 0.17 0.17 -0.22 -0.33 -0.72 0.13 -0.36 0.02 0.05
below|-0.366|0.94 -1.97 1.03 -0.12 -1.54 -0.34 0.31 -0.43 0.56 -0.23 0.58 0.82 2.77 0.24 -0.33 -0.48
unrest|0.297|1.02 0.45 1.25 0.33 -0.06 -0.29 0.04 -0.60 -0.22 -1.64 0.22 0.12 0.86 -0.70 0.22 -0.33
known|0.911|-3.70 0.18 0.76 0.54 -1.01 -1.48 0.75 -0.90 -0.23 -0.68 0.80 2.44 0.62 -0.17 -0.28 1.65
told|0.874|0.21 0.74 0.57 0.42 -1.65 0.21 1.42 0.17 0.89 0.18 0.23 -0.28 -0.45 -0.21 0.88 0.24
edge|-0.341|0.20 0.01 0.27 0.12 -0.04 0.03 0.10 0.05 -0.22 0.09 0.01 -0.09 -0.06 0.08 -0.04 0.03
restless|0.0607|0.37 -0.32 -0.43 -0.55 -0.96 0.24 -0.09 0.78 0.86 -3.42 1.97 0.11 -0.95 0.15 0.18 -0.41
constant|0|-0.17 0.41 -0.08 0.18 0.27 -0.20 -0.04 0.06 0.42 -0.23 0.06 0.24 0.10 -0.06 0.16 -0.09
output|0|1.6 -1.6 -0.636 -0.419 -1.36 -0.957 2.01 -1.12 -0.33 -1.11 -0.836 2.14 -1.55 1.93 -1.91 -1.07
"""
"""For each quantity of :func:`void_engine.effects.likelihood.quantities`: its name, its usual value, and
its weight into each unit of the hidden layer. Then the units' constants, and their weights into the odds."""
_OUTPUT_CONSTANT = 0.0449

_REGIONS = """
constant|-1.49 -0.411 -0.118
mean odds|3.11 2.76 3.58
core|-0.62 0.769 -0.118
best|-2.9 -2.88 -5.43
large|-0.397 -0.426 -0.06
touches|1.31 1.03 -3.6
nearest|0.0918 -0.354 -1.58
attached|0.611 -0.379 -0.437
step|3.88 4.56 4.48
seen|-6.65 -5.88 -10.9
unrest|-0.188 0.472 2.77
texture|0.00335 0.334 -1.39
alone|-0.0117 0.648 0.818
restless|0.0738 -0.874 -1.07
"""
"""For each fact about a region, see :func:`void_engine.effects.regions.describe`: its name and its weights
at each of the levels."""

_KINDS = """
constant|1.57 1.38 -2.96
darker|1.70 -1.10 -0.60
amount|-0.71 -0.77 1.48
texture|-0.58 -1.50 2.08
step|-0.88 -1.39 2.27
joined|0.03 -0.09 0.06
along|-1.39 -0.33 1.72
below|-3.20 8.01 -4.81
away|0.07 -0.85 0.78
hue|-1.13 1.07 0.06
"""
"""For each fact about a region, see :func:`void_engine.effects.kinds.described`: its name and its weights
for a shadow, a reflection and a thing."""

PRODUCTS: dict[str, float] = {
    "constant": -0.161,
    "evident": 1.403,
    "fine": -2.370,
    "broad": -0.059,
    "amount": 1.146,
    "attached": -0.538,
    "attached on one side": 4.453,
    "alike": 5.015,
    "alike on one side": 4.908,
    "attached and alike": -5.516,
    "step": 6.623,
    "step near": -8.261,
    "seen": -2.989,
    "texture": -1.643,
    "shading": 1.548,
    "evident near": 6.559,
    "below": 5.315,
    "unrest": -0.100,
    "evident unrest": -3.452,
    "known": -1.424,
    "told": -0.114,
}
"""The logistic model's terms, see :func:`void_engine.effects.likelihood.products`, and their weights."""

CHANCE_INSIDE = (-1.007, 0.580, 0.210)
CHANCE_OUTSIDE = (-2.622, 1.007, -0.145)
"""In a proposed region, and outside: a constant, the weight of a pixel's odds, and of its region's score."""


@dataclass(slots=True)
class PixelWeights:
    """The network that weighs the quantities of a pixel."""

    usual: dict[str, float]
    """The quantities in order, and what each usually is."""
    hidden: Float32Array
    """(quantities, units)"""
    hidden_constant: Float32Array
    """(units,)"""
    output: Float32Array
    """(units,)"""
    output_constant: np.float32
    left_out: set[str] = field(default_factory=set)
    """Quantities that count as what they usually are, in both models."""

    def leave_out(self, name: str) -> None:
        """Let a quantity count as what it usually is.

        Raises:
            KeyError: when there is no such quantity.
        """
        self.usual[name]
        self.hidden[list(self.usual).index(name)] = 0
        self.left_out.add(name)


def _rows(table: str) -> list[list[str]]:
    return [line.split("|") for line in table.strip().splitlines()]


def _numbers(text: str) -> Float32Array:
    return np.array([float(word) for word in text.split()], np.float32)


def _pixels() -> PixelWeights:
    *quantities, constant, output = _rows(_PIXELS)
    return PixelWeights(
        {name: float(usual) for name, usual, _ in quantities},
        np.stack([_numbers(row) for _, _, row in quantities]),
        _numbers(constant[2]),
        _numbers(output[2]),
        np.float32(_OUTPUT_CONSTANT),
    )


PIXELS = _pixels()
REGION_FACTS = tuple(name for name, _ in _rows(_REGIONS))
REGIONS: Float64Array = np.stack([_numbers(row) for _, row in _rows(_REGIONS)], 1).astype(np.float64)
"""(levels, facts)"""
KIND_FACTS = tuple(name for name, _ in _rows(_KINDS))
KINDS: Float64Array = np.stack([_numbers(row) for _, row in _rows(_KINDS)], 1).astype(np.float64)
"""(kinds, facts)"""
