"""Says where the reference data lies: published clips and results, in ``shared`` beside the checkout.

Tests that need it are skipped without it. The place stands here alone: a test that is moved to another folder
would else look for the data in the wrong one, and be skipped for good without anyone's notice.
"""

from __future__ import annotations

from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared"
CLIPS = SHARED / "clips"
"""Footage with quadmasks, in folders by the name of the clip."""
GOLDEN = SHARED / "golden"
"""Results of the published program, with the models and inputs that they were made from."""
FACTS = SHARED / "facts"
"""What is known of programs that nobody can run here: interfaces as tables."""
