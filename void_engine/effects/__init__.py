"""Effects: proposes what an object affected, from evidence in the shot (docs/affected.md)."""

from __future__ import annotations

from void_engine.effects.in_memory import propose, propose_affected
from void_engine.effects.proposal import FrameFacts, Kind, Proposal, joined

__all__ = ["FrameFacts", "Kind", "Proposal", "joined", "propose", "propose_affected"]
