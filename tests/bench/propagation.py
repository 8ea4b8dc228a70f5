"""Measures the propagation engine against the truth and against simple removals.

    python -m tests.bench.propagation                      every case at 672x384
    python -m tests.bench.propagation --only handheld      cases whose name contains the word
    python -m tests.bench.propagation --width 480 --frames 16 --group tuned
    python -m tests.bench.propagation --pictures out/      contact sheets of each case's worst frame

"x DIS" is the processor time of a frame over that of one DIS flow (medium preset) of the same frame in the
same run, all threads together, so that a busy machine hardly touches it; "s/frame" is what the clock says.
Nothing is asserted: the table is read by people.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from tests.bench.propagation_baselines import BASELINES
from tests.bench.propagation_footage import FootageMissingError
from tests.bench.propagation_metrics import Score, display, score, true_flows
from tests.bench.propagation_scenes import CASES, Case, Scene
from void_engine.propagation import remove_object

_AROUND_PX = 24
_PANEL_SIDE = 240
_HEADER = (
    f"{'case':18s} {'footage':10s} {'best simple baseline':>24s} {'PSNR':>6s} {'5th':>6s} {'SSIM':>6s} "
    f"{'detail':>6s} {'temp':>6s} {'seam':>6s} {'leak':>5s} {'s/frame':>7s} {'x DIS':>6s} {'peak MB':>8s}"
)


def _size(case: Case, arguments: argparse.Namespace) -> tuple[int, int, int]:
    width = case.width if case.width and not arguments.small else arguments.width
    height = 1080 if width == 1920 else round(width * 384 / 672 / 8) * 8
    frames = min(case.frames, arguments.frames) if arguments.frames else case.frames
    return width, height, frames


def _dis_seconds(scene: Scene) -> float:
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    gray = [np.clip(display(f).mean(axis=2) * 255, 0, 255).astype(np.uint8) for f in scene.plate[:2]]
    dis.calc(gray[0], gray[-1], None)
    start = time.process_time()
    for _ in range(5):
        dis.calc(gray[0], gray[-1], None)
    return (time.process_time() - start) / 5


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform != "darwin" else peak / 2**20


def _sheet(path: Path, scene: Scene, clean: np.ndarray) -> None:
    """Write a sheet of the worst frame around its matte: plate, matte, truth, result and amplified error."""
    inside = scene.matte > 0
    errors = [
        np.square(display(clean[t]) - display(scene.truth[t]))[inside[t]].mean() if inside[t].any() else 0.0
        for t in range(len(clean))
    ]
    t = int(np.argmax(errors))
    error = 0.5 + 4 * (display(clean[t]) - display(scene.truth[t]))
    matte = np.repeat(scene.matte[t][:, :, None], 3, axis=2)
    rows, columns = (np.flatnonzero(inside[t].any(axis=axis)) for axis in (1, 0))
    top, bottom = max(0, rows[0] - _AROUND_PX), rows[-1] + _AROUND_PX
    left, right = max(0, columns[0] - _AROUND_PX), columns[-1] + _AROUND_PX
    panels = []
    for picture in (display(scene.plate[t]), matte, display(scene.truth[t]), display(clean[t]), error):
        cut = np.clip(picture[top:bottom, left:right], 0, 1)
        scale = _PANEL_SIDE / max(cut.shape[:2])
        size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
        panels.append(cv2.resize(cut, size, interpolation=cv2.INTER_AREA))
    panels.append(np.full_like(panels[0], 0.5))
    sheet = np.vstack([np.hstack(panels[:3]), np.hstack(panels[3:])])
    cv2.imwrite(str(path), np.clip(sheet[..., ::-1] * 255, 0, 255).astype(np.uint8))


def _run(case: Case, arguments: argparse.Namespace) -> tuple[Score, float | None]:
    scene = case.make(*_size(case, arguments))
    flows = true_flows(display(scene.truth))
    best: tuple[str, float] | None = None
    if not arguments.no_baselines:
        for name, remove in BASELINES.items():
            psnr = score(
                scene.plate, scene.matte, scene.truth, remove(scene.plate, scene.matte), flows
            ).psnr_db
            if best is None or psnr > best[1]:
                best = (name, psnr)
    one_flow = _dis_seconds(scene)
    start, busy = time.perf_counter(), time.process_time()
    clean = remove_object(scene.plate, scene.matte)
    seconds = (time.perf_counter() - start) / len(clean)
    flows_long = (time.process_time() - busy) / len(clean) / one_flow
    result = score(scene.plate, scene.matte, scene.truth, clean, flows)
    simple = f"{best[0]} {best[1]:.1f}" if best else "-"
    print(
        f"{case.name:18s} {case.footage:10s} {simple:>24s} {result.psnr_db:6.2f} {result.worst_psnr_db:6.2f} "
        f"{result.ssim:6.3f} {result.detail:6.2f} {result.temporal:6.2f} {result.seam:6.2f} "
        f"{result.leak:5.0e} {seconds:7.2f} {flows_long:6.1f} {_peak_mib():8.0f}",
        flush=True,
    )
    if arguments.pictures:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
        _sheet(arguments.pictures / f"{case.name}-{case.footage}.png".replace(" ", "_"), scene, clean)
    return result, best[1] if best else None


def _summary(title: str, rows: list[tuple[Score, float | None]]) -> None:
    if not rows:
        return
    mean = {
        name: np.mean([getattr(s, name) for s, _ in rows])
        for name in ("psnr_db", "ssim", "temporal", "seam", "detail")
    }
    known = [(s.psnr_db, b) for s, b in rows if b is not None]
    line = f"{title}: {len(rows)} cases, PSNR {mean['psnr_db']:.2f} dB, SSIM {mean['ssim']:.3f}, "
    line += f"temporal {mean['temporal']:.2f}, seam {mean['seam']:.2f}, detail {mean['detail']:.2f}"
    if known:
        line += f"; best simple baseline {np.mean([b for _, b in known]):.2f} dB, beaten in "
        line += f"{sum(p >= b for p, b in known)} of {len(known)}"
    print(line)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", default="", help="cases whose name or footage contains this; commas separate"
    )
    parser.add_argument("--group", choices=("all", "tuned", "held-out"), default="all")
    parser.add_argument("--width", type=int, default=672)
    parser.add_argument("--frames", type=int, default=0, help="at most so many frames")
    parser.add_argument("--small", action="store_true", help="the 1080p case at --width too")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--pictures", type=Path, default=None)
    arguments = parser.parse_args()
    print(_HEADER)
    rows: dict[bool, list[tuple[Score, float | None]]] = {False: [], True: []}
    words = [word for word in arguments.only.split(",") if word]
    for case in CASES:
        if words and not any(word in case.name or word in case.footage for word in words):
            continue
        if arguments.group != "all" and case.held_out != (arguments.group == "held-out"):
            continue
        try:
            rows[case.held_out].append(_run(case, arguments))
        except FootageMissingError as missing:
            print(f"{case.name:18s} {case.footage:10s} left out: {missing}")
    _summary("tuned", rows[False])
    _summary("held-out", rows[True])


if __name__ == "__main__":
    main()
