"""SAM 2.1 through a shot: the same numbers as transformers' own classes called by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from void_engine.errors import RemovalCancelled  # noqa: E402
from void_engine.propagation.in_memory import SilentMonitor  # noqa: E402
from void_engine.segmentation.pictures import model_pixels  # noqa: E402
from void_engine.segmentation.subjects import Bounds, Click, Subject  # noqa: E402
from void_engine.segmentation.tiny import make_tiny_sam3, make_tiny_tracker  # noqa: E402
from void_engine.segmentation.tracker import VideoTracker, mask_prompt, soft_matte  # noqa: E402

FRAMES, HEIGHT, WIDTH = 9, 40, 56


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from threads, which wait for each other where a machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_tracker(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def tracker(folder: Path) -> VideoTracker:
    return VideoTracker.load(folder, torch.device("cpu"))


@pytest.fixture(scope="module")
def sam3_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_sam3(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def video() -> Any:
    return np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


def _followed(tracker: VideoTracker, video: Any, subjects: list[Subject]) -> list[list[Any]]:
    packed = tracker.follow(lambda i: video[i], FRAMES, (HEIGHT, WIDTH), subjects, SilentMonitor())
    return [[None if one is None else one.logits() for one in of_subject] for of_subject in packed]


def _by_hand(folder: Path, video: Any, inputs: dict[int, Any]) -> list[Any]:
    """Transformers' documented way: prompts frame by frame, then forwards, then backwards. The whole video is
    in the session, and nothing is forgotten."""
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession
    from transformers.models.sam3_tracker_video.modeling_sam3_tracker_video import (
        Sam3TrackerVideoInferenceSession,
    )

    model: Any
    session_class: Any
    if folder.name == "sam3":
        model, session_class = transformers.Sam3TrackerVideoModel, Sam3TrackerVideoInferenceSession
        half = (0.5, 0.5, 0.5)
        normalised: Any = (half, half)  # As SAM 3's processor is configured.
    else:
        model, session_class = transformers.Sam2VideoModel, Sam2VideoInferenceSession
        normalised = ()
    model = model.from_pretrained(folder).eval()
    size = model.config.image_size
    pixels = torch.stack([model_pixels(picture, size, *normalised) for picture in video])
    session = session_class(video=pixels, video_height=HEIGHT, video_width=WIDTH, dtype=torch.float32)
    index = session.obj_id_to_idx(7)
    for frame, given in sorted(inputs.items()):
        if isinstance(given, tuple):
            places, labels = given
            # As the processor scales positions that are counted from pixels' middles.
            at = torch.tensor(places) * torch.tensor([size / WIDTH, size / HEIGHT])
            session.add_point_inputs(
                index,
                frame,
                {
                    "point_coords": at[None, None] - 0.5,
                    "point_labels": torch.tensor(labels, dtype=torch.int32)[None, None],
                },
            )
        else:
            session.add_mask_inputs(index, frame, given)
        session.obj_with_new_inputs = [7]
        with torch.inference_mode():
            model(session, frame_idx=frame)
    start = min(inputs)
    found: list[Any] = [None] * FRAMES
    for reverse in (False, True):
        for out in model.propagate_in_video_iterator(session, start_frame_idx=start, reverse=reverse):
            found[out.frame_idx] = out.pred_masks[0, 0].numpy()
    return found


_CASES: dict[str, tuple[Subject, dict[int, Any]]] = {
    "points inside and outside, refined later": (
        Subject("a", clicks=(Click(3, 20, 21), Click(3, 3, 4, inside=False), Click(7, 30.5, 22))),
        {3: ([[20.0, 21.0], [3.0, 4.0]], [1, 0]), 7: ([[30.5, 22.0]], [1])},
    ),
    "a box and a point on the first frame": (
        Subject("a", clicks=(Click(0, 20, 21),), bounds=(Bounds(0, 5, 6, 40, 30),)),
        {0: ([[5.0, 6.0], [40.0, 30.0], [20.0, 21.0]], [2, 3, 1])},
    ),
    "a box on the last frame": (
        Subject("a", bounds=(Bounds(8, 5, 6, 40, 30),)),
        {8: ([[5.0, 6.0], [40.0, 30.0]], [2, 3])},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", _CASES)
def test_it_gives_the_numbers_of_transformers_called_by_hand(
    tracker: VideoTracker, folder: Path, video: Any, name: str
) -> None:
    subject, inputs = _CASES[name]
    ours = _followed(tracker, video, [subject])[0]
    theirs = _by_hand(folder, video, inputs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other.astype(np.float16).astype(np.float32))
    # The random model does look at the pictures, so equality says something.
    assert len({mine.tobytes() for mine in ours}) == FRAMES


@pytest.mark.parametrize("name", [*_CASES][:2])
def test_a_whole_sam3_follows_by_its_tracker(sam3_folder: Path, video: Any, name: str) -> None:
    """All of the tracker's weights come from the folder in which the finder's are too."""
    subject, inputs = _CASES[name]
    tracker = VideoTracker.load(sam3_folder, torch.device("cpu"))
    ours = _followed(tracker, video, [subject])[0]
    theirs = _by_hand(sam3_folder, video, inputs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other.astype(np.float16).astype(np.float32))
    assert len({mine.tobytes() for mine in ours}) == FRAMES


def test_every_weight_of_both_models_of_a_sam3_has_its_place(sam3_folder: Path) -> None:
    for kind in (transformers.Sam3TrackerVideoModel, transformers.Sam3Model):
        _, told = kind.from_pretrained(sam3_folder, output_loading_info=True)
        assert not any(told.values()), (kind, told)


def test_a_mask_is_followed_too(tracker: VideoTracker, folder: Path, video: Any) -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:25, 20:40] = True
    ours = _followed(tracker, video, [Subject("a", masks={3: mask})])[0]
    theirs = _by_hand(folder, video, {3: mask_prompt(mask, 64)})
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other.astype(np.float16).astype(np.float32))
    # On its own frame the mask comes back.
    matte = soft_matte(ours[3], (HEIGHT, WIDTH))
    assert (matte > 0.5).sum() == pytest.approx(mask.sum(), rel=0.25)


def test_an_object_does_not_depend_on_the_others(tracker: VideoTracker, video: Any) -> None:
    one, two = _CASES["points inside and outside, refined later"][0], _CASES["a box on the last frame"][0]
    nowhere = Subject("nowhere")
    alone = [_followed(tracker, video, [each])[0] for each in (one, two)]
    together = _followed(tracker, video, [one, nowhere, two])
    assert together[1] == [None] * FRAMES
    for mine, other in zip((together[0], together[2]), alone, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_memory_does_not_grow_with_the_shot(tracker: VideoTracker, video: Any) -> None:
    """Each frame is asked for as it is needed, at most a few times; the session keeps a few frames only."""
    asked: list[int] = []
    kept: list[int] = []
    forget = tracker._forget

    def counted(session: Any, frame: int, start: int, *, reverse: bool) -> None:
        forget(session, frame, start, reverse=reverse)
        outputs = session.output_dict_per_obj[0]
        kept.append(len(outputs["non_cond_frame_outputs"]))
        assert not any("high_res_masks" in one for each in outputs.values() for one in each.values())

    def pictures(index: int) -> Any:
        asked.append(index)
        return video[index % FRAMES]

    tracker._forget = counted  # type: ignore[method-assign]
    try:
        subject = Subject("a", clicks=(Click(8, 20, 20),))
        tracker.follow(pictures, 24, (HEIGHT, WIDTH), [subject], SilentMonitor())
    finally:
        tracker._forget = forget  # type: ignore[method-assign]
    assert len(asked) <= 24 + 3
    # The model looks 4 frames back here: those around the present frame, and those after the start.
    assert max(kept) <= 3 * 4 + 2


def test_it_stops_when_asked(tracker: VideoTracker, video: Any) -> None:
    class Impatient(SilentMonitor):
        def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
            if step == 3:
                raise RemovalCancelled

    subject = Subject("a", clicks=(Click(0, 20, 20),))
    with pytest.raises(RemovalCancelled):
        tracker.follow(lambda i: video[i], FRAMES, (HEIGHT, WIDTH), [subject], Impatient())


def test_mattes_are_soft_at_the_edge_and_exact_elsewhere() -> None:
    logits = np.full((16, 16), -12.0, np.float32)
    logits[4:12, 4:12] = 12.0
    matte = soft_matte(logits, (90, 160))
    assert matte.shape == (90, 160)
    assert matte.dtype == np.float32
    assert matte[0, 0] == 0
    assert matte[45, 80] == 1
    assert ((matte > 0.02) & (matte < 0.98)).any()
    # Where published processors cut, the matte is a half.
    large = torch.nn.functional.interpolate(
        torch.from_numpy(logits)[None, None], (90, 160), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    np.testing.assert_array_equal(matte > 0.5, large > 0)
    assert soft_matte(np.full((4, 4), -1024.0, np.float32), (8, 8)).max() == 0
