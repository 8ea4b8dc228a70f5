"""Checks of a task beyond its types. Every problem names the field by its JSON path and says what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator

from void_protocol.task import MakeMattes, PromptedObject


def prompt_problems(task: MakeMattes, frames: range, width: int, height: int) -> Iterator[str]:
    """Yield what is wrong with the prompts of a task, for a shot of these frames and this format."""
    seen: set[str] = set()
    for index, one in enumerate(task.objects):
        here = f"$.task.objects[{index}]"
        if one.name in seen:
            yield f"{here}.name: two objects are called {one.name!r}; give each its own name"
        seen.add(one.name)
        if not one.words and not one.boxes and all(point.outside for point in one.points):
            yield f"{here}: nothing says where {one.name!r} is; give a point inside it, a box, or words"
        for path, frame, positions in _placed(here, one):
            if frame not in frames:
                yield (
                    f"{path}.frame: frame {frame} is outside the shot {frames[0]}-{frames[-1]}; "
                    "point at the object on a frame of the shot"
                )
            if not all(
                math.isfinite(x) and math.isfinite(y) and 0 <= x <= width and 0 <= y <= height
                for x, y in positions
            ):
                yield (
                    f"{path}: it lies outside the format of {width}x{height} pixels; "
                    "positions are pixels, y upwards from the bottom"
                )
        boxed = [box.frame for box in one.boxes]
        for frame in sorted({frame for frame in boxed if boxed.count(frame) > 1}):
            yield f"{here}.boxes: two boxes on frame {frame}; keep one, or make two objects"
        for number, box in enumerate(one.boxes):
            if box.right <= box.left or box.top <= box.bottom:
                yield f"{here}.boxes[{number}]: the box is empty; right and top must be the larger"


def _placed(here: str, one: PromptedObject) -> Iterator[tuple[str, int, list[tuple[float, float]]]]:
    """Each point and box with its path, its frame and the positions that it names."""
    for index, point in enumerate(one.points):
        yield f"{here}.points[{index}]", point.frame, [(point.x, point.y)]
    for index, box in enumerate(one.boxes):
        corners = [(box.left, box.bottom), (box.right, box.top)]
        yield f"{here}.boxes[{index}]", box.frame, corners
