"""What is marked on the page of a review, as it is asked for, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.review_case import FIRST, reviewed_job
from void_protocol.errors import ProtocolError
from void_protocol.job import RemovalJob
from void_protocol.task import MakeMattes, PromptedObject
from void_server.review.catalogue import ReviewShot, review_shots
from void_server.review.errors import ReviewError
from void_server.review.matte_orders import MarkedObject, MatteOrders


@pytest.fixture
def shot(tmp_path: Path) -> ReviewShot:
    (found,) = review_shots([reviewed_job(tmp_path)])
    return found


def marked(left: float, top: float, right: float, bottom: float) -> MarkedObject:
    return MarkedObject(frame=FIRST, box=(left, top, right, bottom))


def test_what_the_server_says_at_once_is_not_lost(shot: ReviewShot) -> None:
    def send(job: RemovalJob, told: Callable[[str], None]) -> None:
        told("the matte is there")

    orders = MatteOrders(send)
    assert orders.said(shot) == ""
    assert orders.order(shot, marked(0.2, 0.2, 0.6, 0.6)).startswith("the matte is there: ")


def test_where_no_server_takes_it_the_last_word_stays(shot: ReviewShot) -> None:
    answers = iter(("", "it is busy", ""))
    patterns: list[str] = []

    def send(job: RemovalJob, told: Callable[[str], None]) -> None:
        patterns.append(job.output.pattern)
        if problem := next(answers):
            raise ProtocolError(problem)

    orders = MatteOrders(send)
    first = orders.order(shot, marked(0.2, 0.2, 0.6, 0.6))
    assert first.startswith("the matte was asked for: ")
    with pytest.raises(ReviewError, match="no server takes it: it is busy"):
        orders.order(shot, marked(0.2, 0.2, 0.6, 0.6))
    assert orders.said(shot) == first
    # The name that it would have had is free again.
    orders.order(shot, marked(0.2, 0.2, 0.6, 0.6))
    assert patterns[2] == patterns[1] != patterns[0]


@pytest.mark.parametrize(
    ("box", "is_click"),
    [
        ((0.5, 0.5, 0.5, 0.5), True),
        ((0.5, 0.2, 0.5, 0.8), True),  # no box is as thin as a line
        ((0.2, 0.5, 0.8, 0.505), True),
        ((0.2, 0.2, 0.25, 0.25), False),
        ((0.6, 0.7, 0.2, 0.3), False),  # drawn from its far corner
    ],
)
def test_a_mark_is_a_box_or_a_click(
    shot: ReviewShot, box: tuple[float, float, float, float], is_click: bool
) -> None:
    sent: list[PromptedObject] = []

    def send(job: RemovalJob, told: Callable[[str], None]) -> None:
        assert isinstance(job.task, MakeMattes)
        sent.extend(job.task.objects)

    MatteOrders(send).order(shot, marked(*box))
    (one,) = sent
    assert (len(one.points), len(one.boxes)) == ((1, 0) if is_click else (0, 1))
    size = shot.job.shot.format
    if is_click:
        middle = (box[0] + box[2]) / 2 * size.width, (1 - (box[1] + box[3]) / 2) * size.height
        assert (one.points[0].x, one.points[0].y) == pytest.approx(middle)
    else:
        assert one.boxes[0].left < one.boxes[0].right
        assert one.boxes[0].bottom < one.boxes[0].top
