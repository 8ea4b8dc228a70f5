from __future__ import annotations

import pytest

from void_server.errors import ServerSettingError
from void_server.workers.devices import worker_environments


def test_each_worker_sees_its_own_device() -> None:
    found = worker_environments(["cuda:0", "cuda:1", "cpu", "auto"], {}, cores=16)
    assert [(device, each.get("CUDA_VISIBLE_DEVICES")) for device, each in found] == [
        ("cuda:0", "0"), ("cuda:1", "1"), ("cpu", ""), ("auto", None),
    ]  # fmt: skip
    assert {each["OMP_NUM_THREADS"] for _, each in found} == {"4"}


def test_the_servers_own_view_and_threads_are_respected() -> None:
    given = {"CUDA_VISIBLE_DEVICES": "GPU-5a, 3", "OMP_NUM_THREADS": "7"}
    found = dict(worker_environments(["cuda:1", "cuda:0"], given, cores=8))
    assert found["cuda:1"]["CUDA_VISIBLE_DEVICES"] == "3"
    assert found["cuda:0"]["CUDA_VISIBLE_DEVICES"] == "GPU-5a"
    assert "OMP_NUM_THREADS" not in found["cuda:0"]
    assert found["cuda:0"]["OPENIMAGEIO_THREADS"] == "4"
    with pytest.raises(ServerSettingError, match="no cuda:2; CUDA_VISIBLE_DEVICES lets the server see 2"):
        worker_environments(["cuda:2"], given)


def test_one_worker_has_the_whole_machine() -> None:
    assert worker_environments(["auto"], {}, cores=8) == [("auto", {})]


def test_more_workers_than_cores_have_a_thread_each() -> None:
    assert worker_environments(["cpu"] * 4, {}, cores=2)[3][1]["OMP_NUM_THREADS"] == "1"
