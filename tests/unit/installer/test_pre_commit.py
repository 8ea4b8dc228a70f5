"""The hooks of pre-commit run what ``installer test --lint`` runs."""

import shlex

import yaml

from installer.project import ROOT
from installer.project_checks import LINT


def test_the_hooks_are_the_checks_of_lint() -> None:
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in configuration["repos"] for hook in repository["hooks"]]

    def words(command: list[str]) -> frozenset[str]:
        return frozenset(word for word in command if word not in (".", "--force-exclude"))

    entries = [shlex.split(hook["entry"]) for hook in hooks]
    assert {entry[0] for entry in entries} == {".venv/bin/python"}
    assert {words(entry[1:]) for entry in entries} == {words(list(check.arguments)) for check in LINT}
    assert [hook["id"] for hook in hooks if hook.get("stages") == ["pre-push"]] == ["mypy"]
