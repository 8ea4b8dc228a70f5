"""Measures what each ingredient of the propagation engine is worth, by leaving out one at a time.

    python -m tests.bench.propagation_ablations --width 480 --frames 12 --only "handheld|shake, roll, zoom"

It prints the PSNR (dB) inside the matte for the whole engine, and the difference without each ingredient.
Only footage that the engine was tuned on is used.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

from tests.bench.propagation_metrics import display, score, true_flows
from tests.bench.propagation_scenes import CASES, Case
from void_engine.propagation import cross_validation, inpainting, remove_object
from void_engine.propagation.fill import key_plan, synthesis
from void_engine.propagation.finish import detail_clamp, edges, grain, thin_structures
from void_engine.propagation.motion import flow, flow_completion, registration, track
from void_engine.propagation.reveal import gain_match, judging, layered, reveal, source_choice, source_weights

_DEFAULT = (
    "soft matte",
    "handheld",
    "wires",
    "ramp and flicker",
    "30% matte",
    "parallax",
    "fence",
    "shake, roll, zoom",
)


def _same_light(*arguments: Any) -> gain_match.GainMatch:
    measured = light_match(*arguments)
    return gain_match.GainMatch(np.ones(3, np.float32), np.zeros_like(measured.offset), measured.noise)


def _only_gain(*arguments: Any) -> gain_match.GainMatch:
    measured = light_match(*arguments)
    return gain_match.GainMatch(measured.gain, np.zeros_like(measured.offset), measured.noise)


def _unrefined(self: Any, target: int, second: Any, guess: Any) -> Any:
    return guess


def _no_camera(self: Any, target: int, source: int) -> Any:
    return np.eye(3)


def _sources(most: int) -> Any:
    return lambda track, target, preferred, _, **more: choose(track, target, preferred, most, **more)


def _no_motion(self: Any, first: Any, second: Any) -> Any:
    return np.zeros((*first.shape, 2), np.float32)


def _bilinear(picture: Any, x: Any, y: Any, kernel: int, **more: Any) -> Any:
    return remap(picture, x, y, cv2.INTER_LINEAR, **more)


def _smooth_only(encoded: Any, hole: Any, forbidden: Any, seed: int, monitor: Any) -> Any:
    return inpainting.inpaint(encoded, hole | forbidden)


def _not_joined(answer: Any, *_: Any) -> thin_structures.ThinBlend:
    return thin_structures.ThinBlend(answer, np.zeros(answer.shape[:2], np.float32))


def _not_unmixed(answer: Any, plate: Any, alpha: Any, noise: float, doubt: Any) -> edges.Unmixed:
    return edges.Unmixed(answer, np.square(np.float32(noise) * doubt))


light_match, choose, remap = gain_match.match_gain, source_choice.choose_sources, cv2.remap

WITHOUT: dict[str, list[tuple[Any, str, Any]]] = {
    "one source": [(key_plan, "choose_sources", _sources(1))],
    "4 sources": [(key_plan, "choose_sources", _sources(4))],
    "only the fused answer": [(judging.Judge, "_with_rivals", lambda self, alone, *_: alone)],
    "no camera homography": [
        (track.ShotTrack, "chained", _no_camera),
        (registration.PairRegistration, "refine", _unrefined),
    ],
    "weights guessed, not measured": [(source_weights, "covariance", lambda *_: None)],
    "homographies only chained": [(registration.PairRegistration, "refine", _unrefined)],
    "no residual flow": [(flow.FlowMeter, "raw", _no_motion)],
    "residual flow everywhere": [
        (flow_completion.FlowTest, "improves", lambda *_: True),
        (flow_completion.FlowTest, "predicts", lambda *_: True),
    ],
    "one layer of motion": [(layered.LayeredRevealer, "_helps", lambda *_: False)],
    "no parallax structure": [(reveal.Revealer, "_structure", lambda *_: None)],
    "no texture weight": [(flow_completion, "texture_weight", lambda gray: np.ones(gray.shape, np.float32))],
    "no light matching": [(gain_match, "match_gain", _same_light)],
    "offset and membrane at full": [(cross_validation, "shrinkage_factor", lambda *_: 1.0)],
    "gain only": [(gain_match, "match_gain", _only_gain)],
    "bilinear sampling": [(cv2, "remap", _bilinear)],
    "no seam membrane": [(edges, "close_seam", lambda answer, *_: answer)],
    "no un-mixing": [(edges, "unmix", _not_unmixed)],
    "no spatial share on wires": [(thin_structures, "blend", _not_joined)],
    "thin fills not held to the detail beside": [(detail_clamp, "clamp_detail", lambda answer, *_: answer)],
    "no grain": [(grain, "restore", lambda answer, *_: answer)],
    "no patches, smooth fill": [(synthesis, "patch_fill", _smooth_only)],
}


@contextmanager
def _without(changes: list[tuple[Any, str, Any]]) -> Iterator[None]:
    with ExitStack() as stack:
        for owner, name, replacement in changes:
            stack.enter_context(patch.object(owner, name, replacement))
        yield


def _measure(case: Case, width: int, frames: int) -> dict[str, tuple[float, float, float]]:
    scene = case.make(width, round(width * 384 / 672 / 8) * 8, frames)
    flows = true_flows(display(scene.truth))
    found = {}
    for name, changes in {"": [], **WITHOUT}.items():
        with _without(changes):
            clean = remove_object(scene.plate, scene.matte)
        result = score(scene.plate, scene.matte, scene.truth, clean, flows)
        found[name] = (result.psnr_db, result.detail, result.seam)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="|".join(_DEFAULT), help="exact case names; bars separate")
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--frames", type=int, default=12)
    arguments = parser.parse_args()
    for name in arguments.only.split("|"):
        case = next(c for c in CASES if c.name == name and not c.held_out)
        found = _measure(case, arguments.width, arguments.frames)
        whole = found.pop("")
        print(f"{name}: {whole[0]:.2f} dB, detail {whole[1]:.2f}, seam {whole[2]:.2f}", flush=True)
        for without, (psnr, detail, seam) in found.items():
            print(
                f"  {without:28s} {psnr - whole[0]:+6.2f} dB  detail {detail:.2f}  seam {seam:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
