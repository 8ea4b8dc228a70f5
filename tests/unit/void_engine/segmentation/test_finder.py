"""Words to masks: the numbers of transformers' SAM 3 called by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from void_engine.propagation.in_memory import SilentMonitor  # noqa: E402
from void_engine.segmentation.finder import Sam3Finder, _distinct  # noqa: E402

SIZE = (20, 30)


class _Sam3:
    """Answers as the model does: queries with scores, and masks at a quarter of its size."""

    def __init__(self, scores_by_brightness: dict[int, list[float]], presence: float | None = 9.0) -> None:
        self.config = SimpleNamespace(
            vision_config=SimpleNamespace(backbone_config=SimpleNamespace(image_size=16))
        )
        self._scores = scores_by_brightness
        self._presence = presence
        self.asked: list[Any] = []

    def __call__(self, *, pixel_values: Any, input_ids: Any, attention_mask: Any) -> Any:
        assert pixel_values.shape == (1, 3, 16, 16)
        # SAM 3 is shown -1 to 1.
        brightness = round(float(pixel_values.mean() * 127.5 + 127.5))
        self.asked.append((brightness, input_ids.tolist()))
        masks = torch.full((1, 2, 4, 4), -9.0)
        masks[0, 0, :2] = 9.0
        masks[0, 1, 2:, 2:] = 9.0
        logits = torch.logit(torch.tensor([self._scores[brightness]]))
        presence = None if self._presence is None else torch.tensor([[self._presence]])
        return SimpleNamespace(pred_logits=logits, presence_logits=presence, pred_masks=masks)


def _tokenizer(texts: list[str], **how: Any) -> dict[str, Any]:
    assert how == {"return_tensors": "pt", "padding": "max_length", "max_length": 32, "truncation": True}
    ids = torch.tensor([[ord(letter) for letter in texts[0]]])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def _finder(model: _Sam3) -> Sam3Finder:
    return Sam3Finder(model, _tokenizer, torch.device("cpu"))


def _picture(brightness: int) -> Any:
    return np.full((*SIZE, 3), brightness, np.uint8)


def test_the_surest_frame_is_taken_and_all_that_are_called_so() -> None:
    model = _Sam3({10: [0.6, 0.1], 20: [0.9, 0.7], 30: [0.2, 0.1]})
    found, second = _finder(model).find("ab", lambda i: _picture(10 * (i + 1)), 3, SIZE, SilentMonitor())
    assert (found.frame, second.frame) == (1, 0)
    assert found.scores == pytest.approx((0.9, 0.7), abs=1e-3)
    assert (len(found.masks), len(second.masks)) == (2, 1)
    assert found.mask.shape == SIZE
    # Both instances of that frame: the upper half, and the lower right quarter.
    assert found.mask[2].all()
    assert found.mask[17, 27]
    assert not found.mask[17, 2]
    assert model.asked[0] == (10, [[97, 98]])


@pytest.mark.parametrize("presence", [-9.0, None])
def test_where_nothing_is_called_so_nothing_is_found(presence: float | None) -> None:
    scores = [0.9, 0.9] if presence is not None else [0.4, 0.3]
    finder = _finder(_Sam3({10: scores}, presence))
    assert finder.find("x", lambda i: _picture(10), 1, SIZE, SilentMonitor()) == []


def test_masks_that_show_the_same_are_one_thing() -> None:
    masks = np.zeros((3, 10, 10), bool)
    masks[0, :6], masks[1, :4], masks[2, 7:] = True, True, True
    found = _distinct(np.array([0.7, 0.9, 0.6], np.float32), masks)
    assert [round(score, 2) for score, _ in found] == [0.9, 0.6]
    np.testing.assert_array_equal(found[0][1], masks[1])


def test_the_real_model_takes_what_it_is_given() -> None:
    """A random SAM 3 of the real class, with the same arguments."""
    from transformers import Sam3Config, Sam3Model

    size, patch = 56, 14
    width = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32}
    config = Sam3Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                **width,
                "num_hidden_layers": 2,
                "image_size": size,
                "patch_size": patch,
                "window_size": 2,
                "global_attn_indexes": [1],
                "pretrain_image_size": size,
            },
            "fpn_hidden_size": 32,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        text_config={**width, "num_hidden_layers": 1, "vocab_size": 300, "max_position_embeddings": 32},
        geometry_encoder_config={**width, "num_layers": 1},
        detr_encoder_config={**width, "num_layers": 1},
        detr_decoder_config={**width, "num_layers": 1, "num_queries": 4},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2},
    )
    torch.manual_seed(0)
    model = Sam3Model(config).eval()
    seen: list[Any] = []
    model.register_forward_hook(lambda *about: seen.append(about[2]))

    def tokenizer(texts: list[str], **how: Any) -> dict[str, Any]:
        ids = torch.arange(3, 35)[None]
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    picture = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    found = Sam3Finder(model, tokenizer, torch.device("cpu")).on_frame("x", lambda i: picture, 0, SIZE)
    output = seen[0]
    scores = output.pred_logits[0].sigmoid() * output.presence_logits[0].sigmoid()
    assert output.pred_masks.shape[1] == len(scores) == 4
    masks = output.pred_masks[0][scores > 0.5]
    assert (found is None) == (not bool((masks > 0).any()))
