"""Measures proposals of what an object affected, against shots of known truth and simple ways to guess.

    python -m tests.bench.affected --footage DIR               36 shots drawn from a folder of movies
    python -m tests.bench.affected --footage DIR --only shadow kinds whose name contains the word
    python -m tests.bench.affected --footage DIR --first 500 --shots 24
    python -m tests.bench.affected --footage DIR --airborne    the object bounces or hovers over the ground
    python -m tests.bench.affected --footage DIR --without "share,alike"   an ablation: quantities left out
    python -m tests.bench.affected --quadmasks                 against the published quadmasks of shared clips
    python -m tests.bench.affected --footage DIR --pictures out/ --save now.json

The truth is where the shot with the object and the one without differ by more than 6 display values of 255
outside the matte. What is proposed within 6 pixels of it is no fault, for confidence as for precision, and
precision is the mean over the shots in which something is proposed. "false" is the share of the frame that is
wrongly proposed; "energy" the share of the difference that is covered. "flicker" is how much changes
between right and wrong from a frame to the next, of all that is proposed or true; "blinks" the part of that
which does not go along with the camera or the object, since a moving shadow whose edge is always a pixel off
changes every pixel it passes. Nothing is asserted: people read it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from tests.bench.shots import movies, touched
from tests.bench.shots.movies import MOVIES, MovieMissingError, folder_of_movies
from tests.bench.shots.touched import AIRBORNE_KINDS, KINDS, EffectShot
from tests.reference_data import CLIPS
from void_engine.arrays import BoolArray, Float32Array
from void_engine.effects import Kind, propose, weights
from void_engine.quadmask import snap_to_grid

_FREE_PX = 6
_FREE = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _FREE_PX + 1, 2 * _FREE_PX + 1))
_LEAST_TRUTH = 2e-4
"""A shot in which less of the picture is affected counts as one without effects."""
_BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.001)


@dataclass(frozen=True, slots=True)
class Score:
    """How good a proposal is."""

    iou: float
    precision: float
    recall: float
    energy: float
    flicker: float
    blinks: float
    false: float
    false_most: float
    affected: float


def score(proposed: BoolArray, shot: EffectShot) -> Score:
    """Judge a proposal (T, H, W) by the truth."""
    around = np.stack([cv2.dilate(each.astype(np.uint8), _FREE) > 0 for each in shot.truth])
    both, wrong = proposed & shot.truth, proposed & ~around
    hit, missed = float(both.sum()), float(shot.truth.sum()) - float(both.sum())
    fault = proposed ^ shot.truth
    seen = proposed | shot.truth
    changes = [
        float((fault[t] ^ fault[t - 1]).sum()) / max(1.0, float((seen[t] | seen[t - 1]).sum()))
        for t in range(1, len(fault))
    ]
    blinks = [
        float(_blinking(fault, shot, t).sum()) / max(1.0, float((seen[t] | seen[t - 1]).sum()))
        for t in range(1, len(fault))
    ]
    each = wrong.reshape(len(wrong), -1).mean(axis=1)
    return Score(
        hit / max(1.0, hit + missed + float(wrong.sum())),
        hit / max(1.0, hit + float(wrong.sum())),
        hit / max(1.0, hit + missed),
        float((shot.energy * proposed).sum()) / max(1e-9, float(shot.energy.sum())),
        float(np.mean(changes)),
        float(np.mean(blinks)),
        float(each.mean()),
        float(each.max()),
        float(shot.truth.mean()),
    )


def _blinking(fault: BoolArray, shot: EffectShot, t: int) -> BoolArray:
    """The pixels whose fault in frame ``t`` is new wherever the camera or the object brought it from."""
    camera = shot.camera[t - 1] @ np.linalg.inv(shot.camera[t])
    thing = np.eye(3)
    thing[:2, 2] = shot.feet[t - 1] - shot.feet[t]
    before = fault[t - 1].astype(np.uint8) * np.uint8(255)
    size = before.shape[1], before.shape[0]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    new = [fault[t] ^ (cv2.warpPerspective(before, h, size, flags=flags) > 127) for h in (camera, thing)]
    return np.asarray(new[0] & new[1], bool)


def _grown(shot: EffectShot) -> BoolArray:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25))
    hidden = shot.remove > 0
    return np.stack([cv2.dilate(each.astype(np.uint8), disc) > 0 for each in hidden]) & ~hidden


def _ellipse_below(shot: EffectShot) -> BoolArray:
    found = np.zeros(shot.remove.shape, bool)
    y, x = np.mgrid[: found.shape[1], : found.shape[2]]
    for t, each in enumerate(shot.remove > 0):
        rows, columns = np.nonzero(each)
        if len(rows):
            across = 0.75 * (np.ptp(columns) + 1)
            near = ((x - columns.mean()) / across) ** 2 + ((y - rows.max()) / (0.4 * across)) ** 2
            found[t] = (near < 1) & ~each
    return found


def _near_difference(shot: EffectShot) -> BoolArray:
    """Differs from the median of the frames in which the object is elsewhere, within 40 pixels of it."""
    hidden = shot.remove > 0
    code = movies.coded(shot.plate).astype(np.float32)
    masked = np.where(hidden[..., None], np.nan, code)
    with np.errstate(all="ignore"):
        middle = np.nan_to_num(np.nanmedian(masked[::2], axis=0), nan=-1)
    found = []
    for picture, mask in zip(code, hidden, strict=True):
        differs = cv2.GaussianBlur(np.abs(picture - middle).max(axis=2), (0, 0), 1.5) > 12
        near = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) < 40
        found.append(differs & near & ~mask)
    return np.stack(found)


_SIMPLE: dict[str, Callable[[EffectShot], BoolArray]] = {
    "grown matte": _grown,
    "ellipse below": _ellipse_below,
    "near difference": _near_difference,
}


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    what: str
    camera: str
    score: Score
    simple: dict[str, Score]
    right: list[int]
    """For each bin of confidence, how many proposed pixels are right."""
    told: list[int]
    outside_right: list[int]
    """The same for what is not proposed, though something can be known of it."""
    outside_told: list[int]
    named: dict[str, int]
    """How many of the rightly proposed pixels are called what."""
    seconds: float


def _measure(shot: EffectShot, pictures: Path | None, name: str) -> _Row:
    begun = time.process_time()
    proposal = propose(shot.plate, shot.remove)
    seconds = time.process_time() - begun
    proposed = proposal.matte >= 0.5
    around = np.stack([cv2.dilate(each.astype(np.uint8), _FREE) > 0 for each in shot.truth])
    right, told = _binned(proposal.confidence[proposed], around[proposed])
    outside = ~proposed & (shot.remove == 0) & (proposal.confidence >= 0.5)
    named = proposal.kinds[proposed & shot.truth]
    if pictures is not None:
        _picture(pictures / f"{name}.png", shot, proposed)
    return _Row(
        shot.kind,
        shot.what,
        shot.way,
        score(proposed, shot),
        {word: score(guess(shot), shot) for word, guess in _SIMPLE.items()},
        right,
        told,
        *_binned(proposal.confidence[outside], ~shot.truth[outside]),
        {kind.word: int((named == kind).sum()) for kind in Kind if kind},
        seconds,
    )


def _binned(confidence: Float32Array, right: BoolArray) -> tuple[list[int], list[int]]:
    """For each bin of confidence, how many pixels are right, and how many there are."""
    bins = np.digitize(confidence, _BINS) - 1
    every = range(len(_BINS) - 1)
    return [int(right[bins == i].sum()) for i in every], [int((bins == i).sum()) for i in every]


def _picture(path: Path, shot: EffectShot, proposed: BoolArray) -> None:
    """Three frames: the plate; the truth red, the proposal green, both yellow, the object blue."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = []
    for t in np.linspace(0, len(proposed) - 1, 5).round().astype(int)[1:-1]:
        plate = movies.coded(shot.plate[t])
        tinted = plate.copy()
        for mask, channel in ((shot.truth[t], 2), (proposed[t], 1), (shot.remove[t] > 0, 0)):
            tinted[mask, channel] = 255
        parts.append(np.concatenate([plate, tinted], axis=0))
    cv2.imwrite(str(path), np.concatenate(parts, axis=1))


_NAMES = ("iou", "recall", "energy", "flicker", "blinks", "false")


def _summary(title: str, rows: list[_Row]) -> str:
    with_effects = [row for row in rows if row.score.affected > _LEAST_TRUTH]
    none = [row for row in rows if row.kind == "none"]
    line = f"{title:18s} {len(with_effects):3d}"
    if with_effects:
        means = {n: float(np.mean([getattr(row.score, n) for row in with_effects])) for n in _NAMES}
        line += " " + " ".join(f"{name} {mean:.3f}" for name, mean in means.items())
        some = [row.score.precision for row in with_effects if sum(row.told)]
        line += f" precision {np.mean(some):.3f} of {len(some)}" if some else " nothing proposed"
        line += "  simple: " + ", ".join(
            f"{word} {np.mean([row.simple[word].iou for row in with_effects]):.2f}" for word in _SIMPLE
        )
    if none:
        line += (
            f"  without effects {len(none)}: false {100 * np.mean([row.score.false for row in none]):.2f} %, "
            f"most {100 * max(row.score.false_most for row in none):.2f} %"
        )
    return line


def _calibration(rows: list[_Row]) -> str:
    lines = []
    for title, right, told in (
        ("proposed", [row.right for row in rows], [row.told for row in rows]),
        ("not proposed", [row.outside_right for row in rows], [row.outside_told for row in rows]),
    ):
        parts = [
            f"{low:.1f}: {np.sum(right, axis=0)[i] / count:.2f} of {count}" if count else f"{low:.1f}: none"
            for i, (low, count) in enumerate(zip(_BINS[:-1], np.sum(told, axis=0), strict=True))
        ]
        lines.append(f"{title}, right at a confidence from " + ", ".join(parts))
    return "\n".join(lines)


def _named(rows: list[_Row]) -> str:
    lines = []
    for kind in sorted({row.kind for row in rows}):
        of = [row.named for row in rows if row.kind == kind]
        total = max(1, sum(sum(each.values()) for each in of))
        shares = {word: sum(each[word] for each in of) / total for word in of[0]}
        lines.append(
            f"{kind:18s} called " + ", ".join(f"{word} {share:.2f}" for word, share in shares.items())
        )
    return "\n".join(lines)


def _against_quadmasks() -> None:
    """Compare with the grey of the published quadmasks, as they are and after the grid."""
    for clip in ("lime", "moving_ball", "pillow", "ducky-float"):
        try:
            plate = movies.linear(movies.frames(MOVIES[clip], 0, movies.length(MOVIES[clip]), 1, 480))
        except MovieMissingError as missing:
            print(f"{clip}: left out, {missing}")
            continue
        levels = []
        with av.open(str(CLIPS / clip / "quadmask.mp4")) as container:
            for frame in container.decode(video=0):
                size = plate.shape[2], plate.shape[1]
                grey = frame.to_ndarray(format="rgb24")[..., 0]
                levels.append(cv2.resize(grey, size, interpolation=cv2.INTER_NEAREST))
        level = np.stack(levels)[: len(plate)]
        remove = (level < 96).astype(np.float32)
        grey = (level >= 96) & (level < 192) & (remove == 0)
        proposal = propose(plate[: len(level)], remove)
        proposed = proposal.matte >= 0.5
        cells = np.stack([snap_to_grid(each) for each in proposed])
        cells &= remove == 0
        told = {word: 0.0 for facts in proposal.frames for word in facts.kinds}
        for facts in proposal.frames:
            for word, share in facts.kinds.items():
                told[word] += share / len(proposal.frames)
        for word, mask in (("pixels", proposed), ("cells", cells)):
            both = float((mask & grey).sum())
            print(
                f"{clip:12s} {word:6s} precision {both / max(1.0, float(mask.sum())):.2f} "
                f"recall {both / max(1.0, float(grey.sum())):.2f}  "
                + ", ".join(f"{kind} {100 * share:.2f} %" for kind, share in told.items())
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--footage", type=Path, default=None, help="a folder of movies; else shared clips")
    parser.add_argument("--movies", default="", help="only these, separated by commas")
    parser.add_argument("--only", default="", help="kinds whose name contains this; bars separate")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--shots", type=int, default=36)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--airborne", action="store_true", help="the object does not touch the ground")
    parser.add_argument("--without", default="", help="quantities of the odds to leave out")
    parser.add_argument("--quadmasks", action="store_true")
    parser.add_argument("--pictures", type=Path, default=None)
    parser.add_argument("--save", type=Path, default=None)
    arguments = parser.parse_args()
    for name in filter(None, arguments.without.split(",")):
        weights.PIXELS.leave_out(name)
    if arguments.quadmasks:
        _against_quadmasks()
        return
    shared = [MOVIES[name] for name in ("lime", "moving_ball", "pillow", "ducky-float")]
    choice = folder_of_movies(arguments.footage) if arguments.footage else shared
    if arguments.movies:
        choice = [movie for movie in choice if movie.name in arguments.movies.split(",")]
    words = [word for word in arguments.only.split("|") if word]
    rows: list[_Row] = []
    kinds = AIRBORNE_KINDS if arguments.airborne else KINDS
    for seed in range(arguments.first, arguments.first + arguments.shots):
        kind = kinds[seed % len(kinds)]
        if words and not any(word in kind for word in words):
            continue
        try:
            shot = touched.draw(seed, choice, kind=kind, frames=arguments.frames, airborne=arguments.airborne)
        except MovieMissingError as missing:
            print(f"{kind}: left out, {missing}", flush=True)
            continue
        row = _measure(shot, arguments.pictures, f"{seed}_{kind.replace(' ', '_')}")
        rows.append(row)
        found = row.score
        print(
            f"{seed:4d} iou {found.iou:.2f} precision {found.precision:.2f} recall {found.recall:.2f} energy "
            f"{found.energy:.2f} flicker {found.flicker:.2f} blinks {found.blinks:.2f} "
            f"false {100 * found.false:5.2f} % affected {100 * found.affected:5.2f} % "
            f"{row.seconds:4.1f} s  {row.what}",
            flush=True,
        )
    for kind in sorted({row.kind for row in rows}):
        print(_summary(kind, [row for row in rows if row.kind == kind]))
    for camera in sorted({row.camera for row in rows}):
        print(_summary(camera, [row for row in rows if row.camera == camera]))
    print(_summary("all", rows))
    print(_calibration(rows))
    print(_named(rows))
    if arguments.save:
        arguments.save.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
