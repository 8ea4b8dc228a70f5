"""Measures plate detail on a model's low-resolution answer, against the truth and simple ways to enlarge.

    python -m tests.bench.detail --footage DIR                  every kind of shot once, from a folder
    python -m tests.bench.detail --footage DIR --only falls     kinds whose name contains the word
    python -m tests.bench.detail --footage DIR --movies bear,teddy --seed 7
    python -m tests.bench.detail --footage DIR --degrade coded  one kind of degradation instead of all in turn
    python -m tests.bench.detail --footage DIR --pictures out/  three frames in a row of every case
    python -m tests.bench.detail --footage DIR --save now.json --compare old.json

The answer is the truth on a canvas 2.5 to 4 times smaller, spoilt in one of several ways. "gain" is by how
many dB the error of the band above the canvas' Nyquist falls below leaving that band empty. All figures are
taken inside the matte, after display encoding. Nothing is asserted: people read it.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from tests.bench.propagation_metrics import Score, display, score, true_flows
from tests.bench.shots import canvas_answers, counterfactual
from tests.bench.shots.counterfactual import Counterfactual, Material
from tests.bench.shots.movies import MOVIES, MovieMissingError, folder_of_movies
from void_engine.arrays import Float32Array
from void_engine.detail import restore_detail
from void_engine.propagation import remove_object

_TUNED_CLIPS = ("ducky-float", "lime", "pillow", "moving_ball")


@dataclass(frozen=True, slots=True)
class _Row:
    case: str
    lanczos: Score
    unsharp: Score
    propagation: Score | None
    detail: Score
    gain_db: float
    propagation_gain_db: float
    seconds: float
    """Of processor time for a frame, propagation included."""


def _enlarged(answer: Float32Array, shot: Counterfactual, sharpen: float) -> Float32Array:
    """The answer by Lanczos where it is to be used; ``sharpen`` adds that much of an unsharp mask."""
    rows, columns = shot.plate.shape[1:3]
    ratio = columns / answer.shape[2]
    out = shot.plate.copy()
    for t, small in enumerate(answer):
        code = cv2.resize(display(small), (columns, rows), interpolation=cv2.INTER_LANCZOS4)
        if sharpen:
            code = code + sharpen * (code - cv2.GaussianBlur(code, (0, 0), 0.8 * ratio))
        inside = shot.matte[t] > 0
        out[t][inside] = canvas_answers.from_display(np.asarray(code, np.float32))[inside]
    return out


def _band(picture: Float32Array, shape: tuple[int, int]) -> Float32Array:
    """What the canvas cannot hold: the picture without its area-reduced and enlarged self."""
    rows, columns = picture.shape[:2]
    small = cv2.resize(picture, shape[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(picture - cv2.resize(small, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)


def band_gain_db(shot: Counterfactual, clean: Float32Array, canvas: tuple[int, int]) -> float:
    """By how much the error above the canvas' Nyquist is below the energy of the truth there, in dB."""
    energy = error = 0.0
    for t, matte in enumerate(shot.matte):
        inside = matte > 0
        truth, found = _band(display(shot.truth[t]), canvas), _band(display(clean[t]), canvas)
        energy += float(np.square(truth[inside]).sum())
        error += float(np.square(truth[inside] - found[inside]).sum())
    return 10 * float(np.log10(max(energy, 1e-9) / max(error, 1e-9)))


def _measure(case: str, shot: Counterfactual, answer: Float32Array, arguments: argparse.Namespace) -> _Row:
    flows = true_flows(display(shot.truth))

    def scored(clean: Float32Array) -> Score:
        return score(shot.plate, shot.matte, shot.truth, clean, flows)

    canvas = (answer.shape[1], answer.shape[2])
    lanczos, unsharp = _enlarged(answer, shot, 0.0), _enlarged(answer, shot, 1.0)
    propagated = None if arguments.no_propagation else remove_object(shot.plate, shot.matte)
    begun = time.process_time()
    restored = restore_detail(shot.plate, shot.matte, answer)
    seconds = (time.process_time() - begun) / len(shot.plate)
    if arguments.pictures:
        _sheet(arguments.pictures / f"{case.replace(' ', '_')}.png", shot, lanczos, propagated, restored)
    return _Row(
        case,
        scored(lanczos),
        scored(unsharp),
        None if propagated is None else scored(propagated),
        scored(restored),
        band_gain_db(shot, restored, canvas),
        float("nan") if propagated is None else band_gain_db(shot, propagated, canvas),
        seconds,
    )


def _sheet(
    path: Path,
    shot: Counterfactual,
    lanczos: Float32Array,
    propagated: Float32Array | None,
    restored: Float32Array,
) -> None:
    """Three frames in a row around the matte: plate, Lanczos, propagation, plate detail, truth."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = np.nonzero(shot.matte.max(axis=0))
    y0, y1 = max(0, rows.min() - 12), rows.max() + 12
    x0, x1 = max(0, columns.min() - 12), columns.max() + 12
    middle = len(shot.plate) // 2
    ways = [shot.plate, lanczos, *([] if propagated is None else [propagated]), restored, shot.truth]
    lines = [
        np.concatenate([display(way[t, y0:y1, x0:x1]) for t in range(middle - 1, middle + 2)], axis=1)
        for way in ways
    ]
    picture = np.clip(np.concatenate(lines, axis=0)[..., ::-1] / 1.1 * 255, 0, 255).astype(np.uint8)
    cv2.imwrite(str(path), picture)


_HEADER = (
    f"{'case':34s} {'Lanczos':>7s} {'unsharp':>7s} {'propag.':>7s} {'detail':>7s} {'lead':>6s} {'SSIM':>5s} "
    f"{'ratio':>6s} {'gain':>6s} {'temp':>5s} {'of L.':>5s} {'seam':>5s} {'leak':>5s} {'s/fr':>5s}"
)


def _line(row: _Row) -> str:
    propagated = float("nan") if row.propagation is None else row.propagation.psnr_db
    found = row.detail
    best = max(row.lanczos.psnr_db, row.unsharp.psnr_db)
    return (
        f"{row.case:34s} {row.lanczos.psnr_db:7.2f} {row.unsharp.psnr_db:7.2f} {propagated:7.2f} "
        f"{found.psnr_db:7.2f} {found.psnr_db - best:+6.2f} {found.ssim:5.3f} {found.detail:6.2f} "
        f"{row.gain_db:6.2f} {found.temporal:5.2f} {found.temporal / max(row.lanczos.temporal, 1e-9):5.2f} "
        f"{found.seam:5.2f} {found.leak:5.0e} {row.seconds:5.2f}"
        + ("  BELOW" if found.psnr_db < row.lanczos.psnr_db else "")
    )


def _summary(rows: list[_Row]) -> str:
    def mean(of: str, name: str) -> float:
        return float(np.mean([getattr(getattr(row, of), name) for row in rows]))

    with_propagation = [row.propagation.psnr_db for row in rows if row.propagation is not None]
    return (
        f"{len(rows)} cases: Lanczos {mean('lanczos', 'psnr_db'):.2f} dB, unsharp "
        f"{mean('unsharp', 'psnr_db'):.2f}, propagation "
        f"{float(np.mean(with_propagation)) if with_propagation else float('nan'):.2f}, detail "
        f"{mean('detail', 'psnr_db'):.2f} (SSIM {mean('detail', 'ssim'):.3f}, detail "
        f"{mean('detail', 'detail'):.2f}, gain {np.mean([row.gain_db for row in rows]):.2f} dB, temporal "
        f"{mean('detail', 'temporal'):.2f} of {mean('lanczos', 'temporal'):.2f}, seam "
        f"{mean('detail', 'seam'):.2f} of {mean('lanczos', 'seam'):.2f}), "
        f"{np.mean([row.seconds for row in rows]):.2f} s a frame"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--footage", type=Path, default=None, help="a folder of movies; else shared clips")
    parser.add_argument("--movies", default="", help="only these, separated by commas")
    parser.add_argument("--only", default="", help="kinds whose name contains this; bars separate")
    parser.add_argument("--degrade", choices=tuple(canvas_answers.DEGRADATIONS), default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--no-propagation", action="store_true", help="leave out the baseline")
    parser.add_argument("--pictures", type=Path, default=None)
    parser.add_argument("--save", type=Path, default=None)
    parser.add_argument("--compare", type=Path, default=None)
    arguments = parser.parse_args()
    choice = (
        folder_of_movies(arguments.footage) if arguments.footage else [MOVIES[name] for name in _TUNED_CLIPS]
    )
    if arguments.movies:
        choice = [movie for movie in choice if movie.name in arguments.movies.split(",")]
    words = [word for word in arguments.only.split("|") if word]
    degradations = list(canvas_answers.DEGRADATIONS)
    before = json.loads(arguments.compare.read_text()) if arguments.compare else {}
    rows: list[_Row] = []
    print(_HEADER)
    for index, (kind, make) in enumerate(counterfactual.KINDS.items()):
        if words and not any(word in kind for word in words):
            continue
        generator = np.random.default_rng([arguments.seed, index])
        degrade = arguments.degrade or degradations[(index + arguments.seed) % len(degradations)]
        ratio = float(generator.uniform(2.5, 4.0))
        height = round(arguments.width * 9 / 16 / 2) * 2
        try:
            shot = make(Material.drawn(choice, arguments.width, height, arguments.frames, generator))
        except MovieMissingError as missing:
            print(f"{kind}: left out, {missing}", flush=True)
            continue
        answer = canvas_answers.answer_for(shot.truth, shot.matte, degrade, ratio, arguments.seed)
        row = _measure(f"{kind} {degrade} x{ratio:.1f} s{arguments.seed}", shot, answer, arguments)
        rows.append(row)
        old = before.get(row.case)
        change = "" if old is None else f"  {row.detail.psnr_db - old['detail']['psnr_db']:+.2f} dB"
        print(_line(row) + change, flush=True)
    if rows:
        print(_summary(rows))
    if arguments.save:
        arguments.save.write_text(json.dumps({row.case: asdict(row) for row in rows}, indent=1))


if __name__ == "__main__":
    main()
