"""Answers that a scripted language model gives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from void_engine.engines.interface import Monitor
from void_engine.segmentation.reasoning.asking import Turn
from void_engine.segmentation.reasoning.stills import Stills


def affected(**changes: Any) -> dict[str, Any]:
    return {
        "name": "shadow on the floor",
        "kind": "shadow",
        "why": "it takes light",
        "will_move": False,
        "since": 11,
        "cells": [{"frame": 11, "cells": [[6, 1], [6, 2]]}, {"frame": 20, "cells": [[6, 9]]}],
        "size": None,
        "original": None,
        "path": [],
        **changes,
    }


def answer(*things: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "belongings": [],
        "affected": list(things),
        "scene": "An empty floor.",
        "confidence": 0.8,
        **changes,
    }


class ScriptedModel:
    """Says one text after the other, and remembers what it was asked."""

    def __init__(self, *texts: str | dict[str, Any]) -> None:
        self._texts = [text if isinstance(text, str) else json.dumps(text) for text in texts]
        self.asked: list[list[Turn]] = []
        self.seeds: list[int | None] = []
        self.shown = Stills((), ())
        self.watches = True

    def answer(self, shown: Stills, turns: Sequence[Turn], seed: int | None, monitor: Monitor) -> str:
        monitor.check_cancelled()
        self.shown = shown
        self.asked.append(list(turns))
        self.seeds.append(seed)
        return self._texts[len(self.asked) - 1]
