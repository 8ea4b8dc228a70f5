"""Runs the engine and the simple removals on a scene, and scores both."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from tests.bench import propagation_baselines, propagation_metrics
from tests.bench.propagation_metrics import Score, display, score, true_flows
from tests.bench.shots.scene import Scene, SceneShot
from void_engine.arrays import Float32Array
from void_engine.engines.interface import EngineRequest
from void_engine.engines.options import Scalar
from void_engine.propagation.engine import PropagationEngine
from void_engine.propagation.in_memory import SilentMonitor

_CACHE = Path(tempfile.gettempdir()) / "void-propagation-bench" / "baselines"

Options = Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Result:
    """What a scene gave."""

    engine: Score
    simple: dict[str, Score]
    seconds: float
    """By the clock, for one frame."""
    busy: float
    """Processor time of all threads, for one frame."""
    one_flow: float
    """Processor time of one optical flow (DIS, medium) between two frames."""
    exact: float | None = None
    """The share of the affected pixels without a visible change that are the plate's, bit for bit; None where
    there are none."""

    @property
    def best(self) -> str:
        """The simple removal with the highest PSNR; "-" without any."""
        return max(self.simple, key=lambda name: self.simple[name].psnr_db, default="-")

    @property
    def lead_db(self) -> float:
        """How far the engine is above the best simple removal, in dB."""
        return self.engine.psnr_db - self.simple[self.best].psnr_db if self.simple else 0.0


def clean_plate(scene: Scene, options: Options | None = None, seed: int = 42) -> Float32Array:
    """Run the engine on a scene; where nothing is replaced, the plate stays."""
    clean = scene.plate.copy()
    shot = SceneShot(scene)
    request = EngineRequest(seed=seed, options=dict(options or {}))
    replaced = scene.replaced > 0
    for frame in PropagationEngine().remove(shot, request, SilentMonitor()):
        clean[frame.number][replaced[frame.number]] = frame.picture[replaced[frame.number]]
    return clean


def measure(
    scene: Scene, options: Options | None = None, *, baselines: bool = True
) -> tuple[Result, Float32Array]:
    """Score the engine and the simple removals; give back the engine's clean plate too."""
    flows = true_flows(display(scene.truth))
    simple = _simple(scene, flows) if baselines else {}
    one_flow = _dis_seconds(scene)
    start, busy = time.perf_counter(), time.process_time()
    clean = clean_plate(scene, options)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    found = score(scene.plate, scene.matte, scene.truth, clean, flows, scene.region)
    count = len(clean)
    return Result(found, simple, seconds / count, busy / count, one_flow, _exact(scene, clean)), clean


def _exact(scene: Scene, clean: Float32Array) -> float | None:
    if scene.affected is None:
        return None
    change = np.abs(display(scene.plate) - display(scene.truth)).max(axis=3)
    unchanged = (scene.affected > 0) & (scene.matte <= 0) & (change < 0.5 / 255)
    return float((clean == scene.plate).all(axis=3)[unchanged].mean()) if unchanged.any() else None


def _simple(scene: Scene, flows: list[Float32Array]) -> dict[str, Score]:
    """The scores of the simple removals, which are remembered from run to run."""
    digest = hashlib.sha256()
    for module in (propagation_baselines, propagation_metrics):
        digest.update(Path(str(module.__file__)).read_bytes())
    for array in (scene.plate, scene.matte, scene.truth, scene.replaced, scene.region):
        digest.update(np.ascontiguousarray(array).tobytes())
    path = _CACHE / f"{digest.hexdigest()[:32]}.json"
    if path.exists():
        return {name: Score(**values) for name, values in json.loads(path.read_text()).items()}
    found = {}
    for name, remove in propagation_baselines.BASELINES.items():
        clean = remove(scene.plate, scene.replaced)
        found[name] = score(scene.plate, scene.matte, scene.truth, clean, flows, scene.region)
    _CACHE.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: asdict(value) for name, value in found.items()}))
    return found


def _dis_seconds(scene: Scene) -> float:
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    gray = [np.clip(display(f).mean(axis=2) * 255, 0, 255).astype(np.uint8) for f in scene.plate[:2]]
    dis.calc(gray[0], gray[-1], None)
    start = time.process_time()
    for _ in range(5):
        dis.calc(gray[0], gray[-1], None)
    return (time.process_time() - start) / 5
