"""Qwen3-VL through our few lines: what it is given, and its answer, are those of transformers' own way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("jsonschema")

from void_engine.errors import RemovalCancelled  # noqa: E402
from void_engine.propagation.in_memory import SilentMonitor  # noqa: E402
from void_engine.segmentation.reasoning import qwen  # noqa: E402
from void_engine.segmentation.reasoning.asking import Turn  # noqa: E402
from void_engine.segmentation.reasoning.stills import Movie, Stills  # noqa: E402

_VISUAL = ("image_pad", "video_pad", "vision_start", "vision_end")
_SPECIAL = ["<|im_start|>", "<|im_end|>", *(f"<|{name}|>" for name in _VISUAL)]
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for c in m.content %}{% if c.type == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif c.type == 'video' %}"
    "<|vision_start|><|video_pad|><|vision_end|>{% else %}{{ c.text }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    found = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        additional_special_tokens=_SPECIAL,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
    )
    found.chat_template = _TEMPLATE
    return found


@pytest.fixture(scope="module")
def model(tokenizer: Any) -> Any:
    ids = {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in _VISUAL}
    config = transformers.Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
        },
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "patch_size": 4,
            "out_hidden_size": 32, "num_position_embeddings": 16, "deepstack_visual_indexes": [0],
        },
        image_token_id=ids["image_pad"], video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"], vision_end_token_id=ids["vision_end"],
    )  # fmt: skip
    torch.manual_seed(0)
    return transformers.Qwen3VLForConditionalGeneration(config).eval()


@pytest.fixture
def seeing(model: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> qwen.QwenVision:
    monkeypatch.setattr(qwen, "_LONGEST_ANSWER", 6)
    config = {
        "patch_size": 4,
        "merge_size": 2,
        "size": {"shortest_edge": 64, "longest_edge": 4096},
        "image_processor_type": "Qwen2VLImageProcessorFast",
        "auto_map": {"AutoImageProcessor": "own_code.Processor"},
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config))
    return qwen.QwenVision(model, tokenizer, qwen.image_processor(tmp_path), torch.device("cpu"))


PICTURES = [
    np.random.default_rng(n).integers(0, 256, shape, dtype=np.uint8)
    for n, shape in enumerate([(16, 24, 3), (16, 24, 3), (32, 16, 3)])
]
SHOWN = Stills(tuple(PICTURES), (0, 1))
TURNS = [Turn("user", "what?"), Turn("assistant", "<|im_end|>no<|image_pad|>"), Turn("user", "again")]


def test_what_it_is_given_is_what_transformers_gives_it(seeing: qwen.QwenVision, tokenizer: Any) -> None:
    found = seeing.inputs(SHOWN, TURNS)
    ids = found["input_ids"][0]
    image = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    # 16x24 pixels are 4x6 patches of 4, merged by 2x2 to 6; 32x16 are 8.
    assert int((ids == image).sum()) == 6 + 6 + 8 == int(found["mm_token_type_ids"].sum())
    assert found["image_grid_thw"].tolist() == [[1, 4, 6], [1, 4, 6], [1, 8, 4]]
    assert found["pixel_values"].shape == (24 + 24 + 32, 3 * 2 * 4 * 4)
    # What was said cannot end its turn or stand for a picture.
    assert int((ids == tokenizer.convert_tokens_to_ids("<|im_end|>")).sum()) == 4
    # The same by hand, in the documented way of filling up places.
    text = tokenizer.decode(ids)
    assert text.count("<|vision_start|>" + "<|image_pad|>" * 6 + "<|vision_end|>") == 2
    assert text.index("<|vision_end|>what?") < text.index("again")
    assert text.endswith("<|im_start|>assistant\n")


def test_its_answer_is_that_of_the_class_called_by_hand(
    seeing: qwen.QwenVision, model: Any, tokenizer: Any
) -> None:
    inputs = seeing.inputs(SHOWN, TURNS[:1])
    ids = inputs["input_ids"]
    with torch.inference_mode():
        for _ in range(6):
            # Without a cache, everything is seen anew at each token.
            kinds = (ids == tokenizer.convert_tokens_to_ids("<|image_pad|>")).int()
            logits = model(
                input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=kinds,
                pixel_values=inputs["pixel_values"], image_grid_thw=inputs["image_grid_thw"], use_cache=False,
            ).logits  # fmt: skip
            ids = torch.cat([ids, logits[:, -1:].argmax(dim=-1)], dim=1)
    by_hand = tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert seeing.answer(SHOWN, TURNS[:1], None, SilentMonitor()) == by_hand
    other = Stills((PICTURES[0], 255 - PICTURES[1], PICTURES[2]), (0, 1))
    assert not torch.equal(seeing.inputs(other, TURNS[:1])["pixel_values"], inputs["pixel_values"])


def test_with_a_seed_it_varies_by_it_and_leaves_chance_alone(seeing: qwen.QwenVision) -> None:
    before = torch.random.get_rng_state()
    said = [seeing.answer(SHOWN, TURNS, seed, SilentMonitor()) for seed in (1, 1, 2, 3, 4)]
    assert said[0] == said[1]
    assert len(set(said)) > 1
    assert torch.equal(torch.random.get_rng_state(), before)


def test_it_stops_between_tokens(seeing: qwen.QwenVision) -> None:
    class Impatient(SilentMonitor):
        def check_cancelled(self) -> None:
            raise RemovalCancelled

    with pytest.raises(RemovalCancelled):
        seeing.answer(SHOWN, TURNS, None, Impatient())


def _movie(count: int) -> Movie:
    chance = np.random.default_rng(5)
    pictures = chance.integers(0, 256, (count, 16, 24, 3), dtype=np.uint8)
    return Movie(tuple(pictures), tuple(range(0, 12 * count, 12)))


def test_a_movie_is_given_moment_by_moment(seeing: qwen.QwenVision, tokenizer: Any) -> None:
    assert seeing.watches
    found = seeing.inputs(replace(SHOWN, movie=_movie(5)), TURNS[:1])
    text = tokenizer.decode(found["input_ids"][0])
    # Five frames are three moments of two, the last of which is held; half a second lies between two frames.
    each = "<|vision_start|>" + "<|video_pad|>" * 6 + "<|vision_end|>"
    told = "".join(f"<{moment} seconds>{each}" for moment in ("0.2", "1.2", "2.0"))
    assert told in text
    assert text.index("<|image_pad|>") < text.index(told) < text.index("what?")
    assert found["video_grid_thw"].tolist() == [[3, 4, 6]]
    kinds = found["mm_token_type_ids"][0]
    assert int((kinds == 2).sum()) == 3 * 6
    assert int((kinds == 1).sum()) == 20


def test_a_moment_that_stands_still_is_the_picture_as_transformers_gives_it(
    seeing: qwen.QwenVision,
) -> None:
    """A picture is a movie of one moment in which nothing moves."""
    picture = PICTURES[0]
    patches, grid = qwen.movie_patches(Movie((picture, picture), (0, 1)), seeing._images)
    theirs = seeing._images(images=[picture], return_tensors="pt")
    assert grid.tolist() == theirs["image_grid_thw"].tolist()
    torch.testing.assert_close(patches, theirs["pixel_values"], rtol=0, atol=1e-6)
    # Both frames of a moment are in its patches, the first before the second.
    moving, _ = qwen.movie_patches(Movie((picture, 255 - picture), (0, 1)), seeing._images)
    first, second = moving.reshape(24, 3, 2, 16).unbind(dim=2)
    torch.testing.assert_close(first, patches.reshape(24, 3, 2, 16)[:, :, 0])
    other, _ = qwen.movie_patches(Movie((255 - picture, 255 - picture), (0, 1)), seeing._images)
    torch.testing.assert_close(second, other.reshape(24, 3, 2, 16)[:, :, 1])


def test_with_a_movie_its_answer_is_that_of_the_class_called_by_hand(
    seeing: qwen.QwenVision, model: Any, tokenizer: Any
) -> None:
    shown = replace(SHOWN, movie=_movie(4))
    inputs = seeing.inputs(shown, TURNS[:1])
    ids, kinds = inputs["input_ids"], inputs["mm_token_type_ids"]
    rest = {name: value for name, value in inputs.items() if "pixel" in name or "grid" in name}
    with torch.inference_mode():
        for _ in range(6):
            logits = model(
                input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=kinds, use_cache=False,
                **rest,
            ).logits  # fmt: skip
            ids = torch.cat([ids, logits[:, -1:].argmax(dim=-1)], dim=1)
            kinds = torch.cat([kinds, torch.zeros_like(kinds[:, :1])], dim=1)
    by_hand = tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert seeing.answer(shown, TURNS[:1], None, SilentMonitor()) == by_hand


def test_a_template_without_movies_is_shown_none(
    seeing: qwen.QwenVision, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizer, "chat_template", "{% for m in messages %}{{ m.role }}{% endfor %}")
    assert not seeing.watches
