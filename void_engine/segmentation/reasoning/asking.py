"""Asks a language model until its answer has the right form: again at most once, and mended at most once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from void_engine.engines.interface import Monitor
from void_engine.segmentation.errors import AnswerError
from void_engine.segmentation.reasoning.answer import Answer, read_answer
from void_engine.segmentation.reasoning.grid import Grid
from void_engine.segmentation.reasoning.question import repair
from void_engine.segmentation.reasoning.stills import Stills

_ASKED = 2
"""The question is asked so often at most."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody has said; the first turn is the question, with the pictures."""

    who: Literal["user", "assistant"]
    text: str


class SeeingModel(Protocol):
    """A language model that sees pictures."""

    @property
    def watches(self) -> bool:
        """Whether it is shown movies too."""

    def answer(self, shown: Stills, turns: Sequence[Turn], seed: int | None, monitor: Monitor) -> str:
        """What the model says next. With a seed it varies by it; without one it takes what is likeliest.

        Raises:
            RemovalCancelled: when the monitor asked for a stop.
        """


def ask(
    model: SeeingModel,
    shown: Stills,
    text: str,
    grid: Grid,
    frames: range,
    seed: int,
    monitor: Monitor,
) -> Answer:
    """Ask a question and return the answer.

    Raises:
        AnswerError: when no answer has the right form.
        RemovalCancelled: when the monitor asked for a stop.
    """
    asked = Turn("user", text)
    was_repaired = False
    problem = ""
    for attempt in range(_ASKED):
        monitor.progress("reason", attempt, _ASKED)
        said = model.answer(shown, [asked], None if attempt == 0 else seed + attempt, monitor)
        try:
            return read_answer(said, grid, frames)
        except AnswerError as error:
            problem = str(error)
        monitor.log(f"the answer of the language model has not the right form: {problem[:300]}")
        if not was_repaired:
            was_repaired = True
            turns = [asked, Turn("assistant", said), Turn("user", repair(problem))]
            said = model.answer(shown, turns, None, monitor)
            try:
                return read_answer(said, grid, frames)
            except AnswerError as error:
                problem = str(error)
            monitor.log(f"and neither has the mended one: {problem[:300]}")
    raise AnswerError(f"the language model gave no answer of the right form: {problem}")
