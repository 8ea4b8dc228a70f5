from __future__ import annotations

from void_server.workers.environment import passed_on


def test_secrets_stay_with_the_server_and_what_engines_need_goes_on() -> None:
    secret = {
        "AWS_SECRET_ACCESS_KEY": "x", "HF_TOKEN": "x", "PIP_INDEX_URL": "https://user:password@host",
        "GITHUB_TOKEN": "x", "KUBECONFIG": "x", "DATABASE_URL": "x", "MY_PATH": "x", "SSH_AUTH_SOCK": "x",
    }  # fmt: skip
    needed = {
        "PATH": "/bin", "Path": "C:\\Windows", "LC_ALL": "C", "TZ": "UTC", "PYTHONPATH": "/p",
        "VOID_MODELS": "/m", "CUDA_VISIBLE_DEVICES": "1", "OMP_NUM_THREADS": "2", "OCIO": "/c.ocio",
        "PYTORCH_CUDA_ALLOC_CONF": "x",
    }  # fmt: skip
    assert passed_on({**secret, **needed}) == needed


def test_a_studio_names_its_own() -> None:
    given = {"RLM_LICENSE": "5053@a", "STUDIO_SHOW": "b", "STUDIO_SITE": "c", "OTHER": "d"}
    assert passed_on(given) == {}
    found = passed_on(given, ["RLM_LICENSE", "STUDIO_*"])
    assert found == {"RLM_LICENSE": "5053@a", "STUDIO_SHOW": "b", "STUDIO_SITE": "c"}
