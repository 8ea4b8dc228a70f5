"""The demo's second part: the same shot through what a model on a small canvas would answer.

No model runs. The answer is the truth as such a model would give it, on a canvas three times smaller: soft,
with noise and a slow drift of its colours. Plate detail then gives it the plate's resolution back.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array
from void_engine.contact_sheet import contact_sheet, picture_column, save_picture
from void_engine.detail import restore_detail
from void_engine.geometry import Box
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.sequence import PlateSequence
from void_server.demo.score import RESULT, Score, Scorer, decoded, encoded

FRAMES = 5
"""How many frames in a row, in the middle of the shot, are made."""
_SMALLER = 3
_CONTEXT = 0.06
"""How much around the mattes is worked on, as a share of the format's width."""
_BLUR_PX, _NOISE, _DRIFT = 0.7, 0.005, 0.015
_ENLARGED, _RESTORED = "enlarged", "with plate detail"


@dataclass(frozen=True, slots=True)
class SmallAnswer:
    """What became of the simulated answer."""

    enlarged: Score
    restored: Score
    canvas: tuple[int, int]
    """Width and height of the answer."""

    def table(self) -> str:
        """The figures as a table for a terminal of 80 columns."""
        lines = [f"an answer of {self.canvas[0]}x{self.canvas[1]} for {FRAMES} frames, simulated"]
        for name, score in ((_ENLARGED, self.enlarged), (_RESTORED, self.restored)):
            lines.append(
                f"{name:<18}{score.psnr_db:>6.1f} dB{score.worst_psnr_db:>7.1f} dB"
                f"{score.ssim:>8.3f}{score.detail:>9.2f}"
            )
        return "\n".join(lines)


def answer_of(truth: Float32Array, canvas: tuple[int, int], seed: int = 7) -> Float32Array:
    """What a model would answer for the truth (T, H, W, 3) on a canvas (h, w): (T, h, w, 3) scene-linear."""
    generator = np.random.default_rng(seed)
    answers = []
    for index, frame in enumerate(truth):
        code = opencv.resize(encoded(frame), canvas, opencv.AREA)
        code = opencv.gaussian_blur(code, _BLUR_PX)
        drift = 1 + _DRIFT * np.sin(0.4 * index + np.arange(3))
        code = code * drift.astype(np.float32) + generator.normal(0, _NOISE, code.shape).astype(np.float32)
        answers.append(decoded(code))
    return np.stack(answers)


def restore_small_answer(
    truth: str, plate: str, result: str, numbers: range, sheet: Path, on_step: Callable[[int, int], None]
) -> SmallAnswer | None:
    """Make some frames in the middle of a shot from a simulated small answer, and judge and draw them.

    Args:
        truth, plate, result: the patterns of the frames; those of the result carry the layer ``matte``.
        numbers: the frames of the shot.
        sheet: the PNG to write.
        on_step: called with (steps done, all steps).

    Returns:
        None where the mattes of these frames are empty.
    """
    first = numbers.start + max(0, (len(numbers) - FRAMES) // 2)
    chosen = range(first, min(first + FRAMES, numbers.stop))
    with ExitStack() as files:
        truths, plates, results = (
            files.enter_context(PlateSequence(FramePattern.parse(pattern), chosen.start, chosen.stop - 1))
            for pattern in (truth, plate, result)
        )
        window = plates.frame(first).data_window
        mattes = [results.frame(number).plane("matte.A", window) for number in chosen]
        around = Box.around(np.max(mattes, axis=0) > 0)
        if around.is_empty:
            return None
        whole = Box.from_shape(mattes[0].shape)
        around = around.grown(max(16, round(_CONTEXT * whole.width))).intersection(whole)
        box = around.moved(window.x0, window.y0)
        wanted = np.stack([truths.frame(number).read_rgb(box) for number in chosen])
        given = np.stack([plates.frame(number).read_rgb(box) for number in chosen])
        matte = np.stack([one[around.slices(whole)] for one in mattes])
    on_step(1, 3)
    canvas = (max(8, round(box.height / _SMALLER)), max(8, round(box.width / _SMALLER)))
    answer = answer_of(wanted, canvas)
    inside = matte[..., None] > 0
    size = (box.height, box.width)
    enlarged = np.where(inside, [opencv.resize(one, size, opencv.LANCZOS) for one in answer], given)
    restored = restore_detail(given, matte, answer)
    on_step(2, 3)
    scores = []
    for pictures in (enlarged, restored):
        scorer = Scorer()
        for index in range(len(chosen)):
            scorer.add_pictures(wanted[index], given[index], pictures[index], matte[index])
        scores.append(scorer.score().scores[RESULT])
    columns = [
        picture_column(name, lambda number, clip=clip: clip[number - first])  # type: ignore[misc]
        for name, clip in (
            ("plate", given), ("answer, enlarged", enlarged), (_RESTORED, restored), ("truth", wanted)
        )
    ]  # fmt: skip
    made = SmallAnswer(scores[0], scores[1], (canvas[1], canvas[0]))
    save_picture(
        sheet, contact_sheet(columns, [chosen[0], chosen[-1]], title="A model's small answer, simulated")
    )
    on_step(3, 3)
    return made
