"""Kubernetes: an indexed Job for each step, and a shell script that applies one after the other.

A Job's pods are numbered by their completion index, which is the task. Jobs know no order among each other,
so the script waits until one is complete before it applies the next.
The fields of a Job: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/
"""

from __future__ import annotations

import hashlib
import re
import shlex
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from void_server.farm.bundle import Bundle
from void_server.farm.commands import StepCommand, is_for_task, step_commands
from void_server.farm.errors import FarmError

FOLDER = "kubernetes"
RUN_NAME = "run.sh"
TASK_TOKEN = "{task}"  # noqa: S105 - becomes the completion index
INDEX = "$(JOB_COMPLETION_INDEX)"
"""The variable that the Job's controller gives each container; Kubernetes fills it into arguments."""
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
"""The label by which a Job waits in a queue of Kueue, where that is installed."""
WORDS = ("pool", "department", "retries", "machine_limit", "tags")
MOST_COMPLETIONS = 100_000
"""How many indices a Job may have where failures are counted for each index."""
MOST_PARALLEL = 10_000
_MOST_NAME = 63
_UNSAFE = re.compile(r"[^a-z0-9-]+")
_LABEL = re.compile(r"([A-Za-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

_RUN = """\
#!/bin/sh
# Runs the removal on the cluster that kubectl is set up for: each step when the one before is complete.
# What is whole is kept, so this may be run again, after a failure or when plates and mattes have changed.
set -eu
cd "$(dirname "$0")"

run_step() {{
    # An ended Job is not started by applying it again.
    case " $(conditions "$2") " in *" Complete "* | *" Failed "*) kubectl delete {namespace}job "$2" ;; esac
    kubectl apply {namespace}-f "$1.yaml"
    while :; do
        case " $(conditions "$2") " in
        *" Complete "*) return 0 ;;
        *" Failed "*) echo "$2 has failed: kubectl {namespace}logs job/$2" >&2; return 1 ;;
        esac
        sleep "${{EVERY_S:-15}}"
    done
}}

conditions() {{
    kubectl get {namespace}job "$1" --ignore-not-found \\
        -o 'jsonpath={{.status.conditions[?(@.status=="True")].type}}'
}}

{steps}
"""


def write(bundle: Bundle) -> Path:
    """Write a Job for each step and the script, and return the script's path."""
    folder = bundle.folder / FOLDER
    folder.mkdir(exist_ok=True)
    steps = step_commands(bundle, TASK_TOKEN)
    for step in steps:
        text = yaml.safe_dump(job(bundle, step), sort_keys=False, allow_unicode=True, width=1000)
        (folder / f"{step.name}.yaml").write_text(text, encoding="utf-8")
    path = folder / RUN_NAME
    namespace = f"-n {shlex.quote(bundle.order.department)} " if bundle.order.department else ""
    lines = [f"run_step {step.name} {job_name(bundle, step)}" for step in steps]
    path.write_text(_RUN.format(namespace=namespace, steps="\n".join(lines)), encoding="utf-8")
    path.chmod(0o755)
    return path


def job(bundle: Bundle, step: StepCommand) -> dict[str, Any]:
    """Return the Job of a step.

    Raises:
        FarmError: when the image or the storage is not said, a name is none that Kubernetes allows, or there
            are too many tasks.
    """
    order = bundle.order
    if not order.image or not order.claims:
        raise FarmError(
            "on Kubernetes a task sees its image and what is mounted, nothing else: give --image, and "
            "--claim NAME=/PATH for the volume claims with the plates, the bundle and the scratch folder"
        )
    if step.tasks > MOST_COMPLETIONS:
        raise FarmError(
            f"the step {step.name} has {step.tasks} tasks, and a Job of Kubernetes at most "
            f"{MOST_COMPLETIONS}; leave out --together, or bundle fewer shots"
        )
    metadata: dict[str, Any] = {"name": job_name(bundle, step)}
    if order.department:
        metadata["namespace"] = _allowed(_NAMESPACE, order.department, "--department")
    if order.pool:
        metadata["labels"] = {QUEUE_LABEL: _allowed(_VALUE, order.pool, "--pool")}
    volumes, mounts = _storage(order.claims)
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": step.needs.timeout_s,
        "terminationGracePeriodSeconds": order.grace_s,
        "containers": [
            {
                "name": "void",
                "image": order.image,
                "command": [_argument(word) for word in step.words],
                "env": [{"name": name, "value": _literal(value)} for name, value in _environment(bundle)],
                "resources": _resources(step),
                "volumeMounts": mounts,
            }
        ],
        "volumes": volumes,
    }
    if selector := _selector(order.tags_for(step.needs.gpus)):
        pod["nodeSelector"] = selector
    side_by_side = min(step.tasks, order.machine_limit or MOST_PARALLEL, MOST_PARALLEL)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "completionMode": "Indexed",
            "completions": step.tasks,
            "parallelism": side_by_side,
            # A task that fails for good must not stop the others of its step.
            "backoffLimitPerIndex": 0 if order.retries is None else order.retries,
            "template": {"spec": pod},
        },
    }


def job_name(bundle: Bundle, step: StepCommand) -> str:
    """Return a name for the Job from which its pods can make theirs, with their index, as host names. A long
    one ends in a part of its hash, so that two of them stay different."""
    most = _MOST_NAME - len(f"-{step.tasks - 1}")
    name = _UNSAFE.sub("-", f"void-{bundle.name}-{step.name}".lower())
    whole = f"{bundle.name}\n{step.name}\n{bundle.folder}"
    ending = f"-{hashlib.sha256(whole.encode()).hexdigest()[:6]}"
    return name[: most - len(ending)].strip("-") + ending


def _environment(bundle: Bundle) -> list[tuple[str, str]]:
    return sorted(bundle.environment.items())


def _argument(word: str) -> str:
    if is_for_task(word, TASK_TOKEN):
        return _literal(word.removesuffix(TASK_TOKEN)) + INDEX
    return _literal(word)


def _literal(text: str) -> str:
    """Keep Kubernetes from taking a part of a text for a variable: ``$(X)`` is written ``$$(X)``."""
    return text.replace("$(", "$$(")


def _resources(step: StepCommand) -> dict[str, dict[str, str]]:
    wanted = {"cpu": str(step.needs.cores), "memory": f"{step.needs.memory_mib}Mi"}
    limits = {"memory": wanted["memory"]}
    if step.needs.gpus:
        wanted["nvidia.com/gpu"] = limits["nvidia.com/gpu"] = str(step.needs.gpus)
    return {"requests": wanted, "limits": limits}


def _storage(claims: tuple[str, ...]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    for number, said in enumerate(claims):
        claim, _, path = said.partition("=")
        if not claim or not PurePosixPath(path).is_absolute():
            raise FarmError(f"--claim {said}: write NAME=/PATH, the volume claim and where it is mounted")
        volumes.append({"name": f"storage-{number}", "persistentVolumeClaim": {"claimName": claim}})
        mounts.append({"name": f"storage-{number}", "mountPath": path})
    return volumes, mounts


def _selector(tags: list[str]) -> dict[str, str]:
    """Nodes' labels: ``NAME=VALUE``, or a name alone, whose value is then ``true``."""
    selector = {}
    for tag in tags:
        name, _, value = tag.partition("=")
        selector[_allowed(_LABEL, name, "--tag")] = _allowed(_VALUE, value or "true", "--tag")
    return selector


def _allowed(pattern: re.Pattern[str], text: str, option: str) -> str:
    if not pattern.fullmatch(text):
        raise FarmError(
            f"{option} {text}: Kubernetes allows letters, digits, '-' and some '.' and '_' there, 63 at most"
        )
    return text


def obstacle() -> str:
    """Say that nobody waits here for the steps of a cluster."""
    return f"run {FOLDER}/{RUN_NAME}, which applies each step when the one before is complete"


def submit(bundle: Bundle) -> str:
    """Refuse, for the reason that :func:`obstacle` gives."""
    raise FarmError(obstacle())
