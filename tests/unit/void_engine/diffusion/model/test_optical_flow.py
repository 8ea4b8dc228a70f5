"""The contract with RAFT, tested on small networks: inputs, the chosen output, and the resizing of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the diffusion extra is not installed")
onnx = pytest.importorskip("onnx", reason="the test extra is not installed")

from void_engine.diffusion.engine import VoidEngine  # noqa: E402
from void_engine.diffusion.errors import ModelFolderError  # noqa: E402
from void_engine.diffusion.model.folder import ModelFolder  # noqa: E402
from void_engine.diffusion.model.folder_check import check_models  # noqa: E402
from void_engine.diffusion.model.optical_flow import DenseInverseSearch, Raft, find_flow, make_flow  # noqa: E402
from void_engine.diffusion.model.tiny import make_tiny  # noqa: E402
from void_engine.engines.interface import EngineRequest  # noqa: E402

HEIGHT, WIDTH = 32, 48


def write_network(path: Path, *, names: tuple[str, str] = ("0", "1"), full: bool = True) -> None:
    """Write a network in RAFT's form whose flow is made from the difference of the pictures.

    The flow to the right is the change of red and the flow down half that of blue, in codes of 0..255. A
    first output has an eighth of the size.
    """
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    kernel = np.zeros((2, 3, 1, 1), np.float32)
    kernel[0, 0], kernel[1, 2] = 1, 0.5
    nodes = [
        helper.make_node("Sub", [names[1], names[0]], ["change"]),
        helper.make_node("Conv", ["change", "kernel"], ["flow"]),
        helper.make_node("AveragePool", ["flow"], ["small"], kernel_shape=[8, 8], strides=[8, 8]),
    ]
    outputs = [helper.make_tensor_value_info("small", number, [1, 2, HEIGHT // 8, WIDTH // 8])]
    if full:
        outputs.append(helper.make_tensor_value_info("flow", number, [1, 2, HEIGHT, WIDTH]))
    graph = helper.make_graph(
        nodes,
        "flow",
        [helper.make_tensor_value_info(name, number, [1, 3, HEIGHT, WIDTH]) for name in names],
        outputs,
        [onnx.numpy_helper.from_array(kernel, "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


def describe(path: Path, **stated: Any) -> None:
    path.with_suffix(".json").write_text(json.dumps({"height": HEIGHT, "width": WIDTH, **stated}))


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "raft" / "raft.onnx"
    write_network(path)
    describe(path)
    return path


def test_pictures_go_in_as_rgb_codes_and_the_full_flow_comes_out(network: Path) -> None:
    before = np.random.default_rng(1).uniform(0, 0.9, (HEIGHT, WIDTH, 3)).astype(np.float32)
    after = before + np.array([4, 0, 6], np.float32) / 255
    flow = Raft(network).between(before, after)
    assert flow.shape == (HEIGHT, WIDTH, 2)
    np.testing.assert_allclose(flow, np.broadcast_to([4, 3], flow.shape), atol=1e-3)


def test_flow_is_in_pixels_of_the_picture_whatever_the_network_works_on(network: Path) -> None:
    before = np.full((2 * HEIGHT, 3 * WIDTH, 3), 0.3, np.float32)
    after = before + np.array([4, 0, 6], np.float32) / 255
    flow = Raft(network).between(before, after)
    assert flow.shape == (2 * HEIGHT, 3 * WIDTH, 2)
    np.testing.assert_allclose(flow, np.broadcast_to([3 * 4, 2 * 3], flow.shape), atol=1e-3)


def test_inputs_may_have_other_names(tmp_path: Path) -> None:
    write_network(tmp_path / "raft.onnx", names=("image1", "image2"))
    describe(tmp_path / "raft.onnx", inputs=["image1", "image2"])
    before = np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)
    assert Raft(tmp_path / "raft.onnx").between(before, before).max() == 0


def test_what_cannot_be_run_is_named(network: Path, tmp_path: Path) -> None:
    still = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    describe(network, inputs=["0", "right"])
    with pytest.raises(ModelFolderError, match=r"raft\.onnx: does not run on two pictures.*raft\.json"):
        Raft(network).between(still, still)
    describe(network, inputs=["0"])
    with pytest.raises(ModelFolderError, match="two names"):
        Raft(network)
    write_network(network, full=False)
    describe(network)
    with pytest.raises(ModelFolderError, match=r"no flow of \(1, 2, 32, 48\)"):
        Raft(network).between(still, still)
    network.write_bytes(b"no network")
    with pytest.raises(ModelFolderError, match="no ONNX network"):
        Raft(network)


def test_raft_is_taken_where_it_is_and_dis_elsewhere(network: Path, tmp_path: Path) -> None:
    with_raft, without = ModelFolder(tmp_path), ModelFolder(tmp_path / "empty")
    assert [find_flow(with_raft, name) for name in ("auto", "dis", "raft")] == ["raft", "dis", "raft"]
    assert isinstance(make_flow(with_raft, "auto"), Raft)
    assert find_flow(without, "auto") == "dis"
    assert isinstance(make_flow(without, "auto"), DenseInverseSearch)
    with pytest.raises(ModelFolderError, match=r"has no raft/raft\.onnx.*flow 'dis'"):
        find_flow(without, "raft")


@pytest.mark.slow
def test_pass_2_uses_the_folders_raft(tmp_path: Path, make_shot: Any, make_monitor: Any) -> None:
    folder = make_tiny(tmp_path / "models")
    options = {
        "max_tokens": 6,
        "window_frames": 13,
        "overlap_frames": 8,
        "steps": 1,
        "steps_pass2": 1,
        "passes": 2,
    }

    def refined(**more: Any) -> tuple[Any, str]:
        engine = VoidEngine(folder.root)
        request = EngineRequest(prompt="A table.", options={**options, **more})
        frames = [frame.picture for frame in engine.remove(make_shot(), request, make_monitor())]
        return np.stack(frames), str(engine.record["void/flow"])

    dis, name = refined()
    assert name == "dis"
    with pytest.raises(ModelFolderError, match=r"raft\.onnx"):
        refined(flow="raft")
    write_network(folder.raft)
    describe(folder.raft)
    raft, name = refined()
    assert name == "raft"
    assert not np.array_equal(raft, dis)
    again, name = refined(flow="dis")
    assert np.array_equal(again, dis)
    assert [finding.ok for finding in check_models(folder) if finding.subject == "raft/raft.onnx"] == [True]
    folder.raft.write_bytes(b"")
    assert [finding.ok for finding in check_models(folder) if finding.subject == "raft/raft.onnx"] == [False]
