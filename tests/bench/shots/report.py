"""Prints what the bench measured, and draws contact sheets of the worst frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tests.bench.propagation_metrics import display
from tests.bench.shots.measuring import Result
from tests.bench.shots.scene import Scene
from void_engine.arrays import Float32Array

ALLOWED_DB = 0.3
"""How far below the best simple removal the engine may ever be."""
_AROUND_PX = 24
_PANEL_SIDE = 260

HEADER = (
    f"{'case':22s} {'movie':11s} {'best simple':>20s} {'PSNR':>6s} {'lead':>6s} {'5th':>6s} {'SSIM':>6s} "
    f"{'p99':>5s} {'temp':>6s} {'flick':>6s} {'rim':>6s} {'thin':>6s} {'seam':>6s} {'detail':>6s} "
    f"{'leak':>5s} {'s/fr':>5s} {'x DIS':>5s}"
)
NOTE = (
    "lead: dB above the best simple removal. p99: 99th percentile of the error. temp: change of the error\n"
    "along the motion. flick: half its step from frame to frame, in place. rim, thin: fine error along\n"
    "the outline, and where the matte is at most 17 px across. temp, flick, rim, thin and seam: x 100.\n"
    "exact: affected pixels that nothing changed and that are the plate's, bit for bit."
)


def line(name: str, movie: str, result: Result) -> str:
    """One line of the table; BELOW marks a case that a simple removal does better."""
    score = result.engine
    simple = f"{result.best} {result.simple[result.best].psnr_db:.1f}" if result.simple else "-"
    mark = ""
    if result.simple and result.lead_db < 0:
        mark = "  BELOW" if result.lead_db < -ALLOWED_DB else "  below"
    if result.exact is not None:
        mark = f"  exact {100 * result.exact:.0f}%{mark}"
    return (
        f"{name:22s} {movie:11s} {simple:>20s} {score.psnr_db:6.2f} {result.lead_db:+6.2f} "
        f"{score.worst_psnr_db:6.2f} {score.ssim:6.3f} {score.p99:5.3f} {score.temporal:6.2f} "
        f"{score.flicker:6.2f} {score.rim:6.2f} {score.thin:6.2f} {score.seam:6.2f} {score.detail:6.2f} "
        f"{score.leak:5.0e} {result.seconds:5.2f} {result.busy / max(result.one_flow, 1e-9):5.1f}{mark}"
    )


def summary(title: str, results: list[Result]) -> str:
    """The means of a group, and how often it is below a simple removal."""
    if not results:
        return f"{title}: no case"
    names = ("psnr_db", "ssim", "p99", "temporal", "flicker", "rim", "thin", "seam", "detail")
    mean = {name: float(np.mean([getattr(r.engine, name) for r in results])) for name in names}
    busy = float(np.mean([r.busy for r in results]))
    text = (
        f"{title}: {len(results)} cases, PSNR {mean['psnr_db']:.2f} dB, SSIM {mean['ssim']:.3f}, "
        f"p99 {mean['p99']:.3f} (worst {max(r.engine.p99 for r in results):.3f}), "
        f"temporal {mean['temporal']:.2f}, flicker {mean['flicker']:.2f}, rim {mean['rim']:.2f}, "
        f"thin {mean['thin']:.2f}, seam {mean['seam']:.2f}, detail {mean['detail']:.2f}, "
        f"{busy:.2f} s of processor time a frame"
    )
    known = [r for r in results if r.simple]
    if known:
        best = [r.simple[r.best] for r in known]
        text += (
            f"; best simple {np.mean([s.psnr_db for s in best]):.2f} dB, SSIM "
            f"{np.mean([s.ssim for s in best]):.3f}; below it in {sum(r.lead_db < 0 for r in known)}, "
            f"by more than {ALLOWED_DB} dB in {sum(r.lead_db < -ALLOWED_DB for r in known)} of {len(known)}, "
            f"at worst {min(r.lead_db for r in known):+.2f} dB"
        )
    return text


def sheet(path: Path, scene: Scene, clean: Float32Array) -> None:
    """Draw the three worst frames: plate, truth, result and four times the error."""
    errors = np.array(
        [
            np.square(display(clean[t]) - display(scene.truth[t]))[scene.region[t]].mean()
            if scene.region[t].any()
            else 0.0
            for t in range(len(clean))
        ]
    )
    strips = []
    for t in np.argsort(-errors)[:3]:
        rows, columns = (np.flatnonzero(scene.region[t].any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            continue
        top, bottom = max(0, rows[0] - _AROUND_PX), rows[-1] + _AROUND_PX
        left, right = max(0, columns[0] - _AROUND_PX), columns[-1] + _AROUND_PX
        error = 0.5 + 4 * (display(clean[t]) - display(scene.truth[t]))
        panels = []
        for picture in (display(scene.plate[t]), display(scene.truth[t]), display(clean[t]), error):
            cut = np.clip(picture[top:bottom, left:right], 0, 1)
            scale = _PANEL_SIDE / max(cut.shape[:2])
            size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
            small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
            pad = ((0, _PANEL_SIDE - size[1]), (0, _PANEL_SIDE - size[0]), (0, 0))
            panels.append(np.pad(small, pad, constant_values=0.2))
        strips.append(np.hstack(panels))
    if strips:
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.clip(np.vstack(strips)[..., ::-1] * 255, 0, 255).astype(np.uint8))
