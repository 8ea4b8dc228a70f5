"""Open Job Description (specification 2023-09): template, parameter values, asset references.

AWS Deadline Cloud and ``openjd run`` read them. The specification:
https://github.com/OpenJobDescription/openjd-specifications
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from void_server.farm.bundle import Bundle, export_chunks
from void_server.farm.commands import TORCHRUN, torchrun_words
from void_server.farm.errors import FarmError
from void_server.farm.nuke_export import CHUNKS_NAME, EXPORT_NAME, write_export
from void_server.farm.order import FarmSettings, NukeExport
from void_server.farm.plan_file import PLAN_NAME
from void_server.farm.planning import STEP_ORDER
from void_server.farm.step_needs import StepNeeds, step_needs

SPECIFICATION = "jobtemplate-2023-09"
WORDS = ("limits",)
_MOST_NAME = 128
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""The dumper in C, where it was built, because a sequence's plates make some hundred thousand lines."""


def write_openjd(bundle: Bundle, more_values: Mapping[str, object] | None = None) -> Path:
    """Write the three files and return the template's path.

    Args:
        more_values: parameter values that a service reads besides those of the template.
    """
    path = bundle.folder / "template.yaml"
    _dump(path, template(bundle))
    values = _values(bundle)
    more = [{"name": name, "value": value} for name, value in (more_values or {}).items()]
    _dump(bundle.folder / "parameter_values.yaml", {"parameterValues": values + more})
    # 'openjd run -p file://...' wants the same values as a map.
    _dump(bundle.folder / "openjd_values.yaml", {one["name"]: one["value"] for one in values})
    references = {
        "inputs": {
            "filenames": [
                *(str(bundle.folder / job.file) for job in bundle.plan.jobs),
                *bundle.assets.files,
            ],
            "directories": list(bundle.assets.folders),
        },
        "outputs": {"directories": list(bundle.assets.outputs)},
        "referencedPaths": [],
    }
    _dump(bundle.folder / "asset_references.yaml", {"assetReferences": references})
    if bundle.order.export is not None:
        write_export(bundle.folder, export_chunks(bundle))
    return path


def template(bundle: Bundle) -> dict[str, Any]:
    """Return the job template."""
    steps = [_step(bundle, name) for name in STEP_ORDER]
    definitions = [
        _path("Plan", "FILE", "IN", PLAN_NAME, "The tasks of the steps"),
        _path("Scratch", "DIRECTORY", "INOUT", None, "A folder that all machines see"),
        _text("Void", bundle.order.void_command, "The void command on the machines"),
    ]
    if bundle.order.export is not None:
        definitions += [
            _path("ExportFrames", "FILE", "IN", EXPORT_NAME, "The script that Nuke runs"),
            _path("ExportChunks", "FILE", "IN", CHUNKS_NAME, "The frame ranges of its tasks"),
            _path("NukeScript", "FILE", "IN", None, "The script with the Write nodes"),
            _text("Nuke", bundle.order.export.command, "The nuke command on the machines"),
        ]
        steps = [_export_step(bundle, bundle.order.export), *steps]
        steps[1]["dependencies"] = [{"dependsOn": "export"}]
    if step_needs(bundle, "remove").gpus > 1:
        definitions.append(_text("Torchrun", TORCHRUN, "Starts a process for each device"))
    result: dict[str, Any] = {
        "specificationVersion": SPECIFICATION,
        "name": f"VOID {bundle.name}"[:_MOST_NAME],
        "parameterDefinitions": definitions,
    }
    for name, value in sorted(bundle.environment.items()):
        definitions.append(_variable(name, value))
    if bundle.environment:
        result["jobEnvironments"] = [
            {
                "name": "void",
                "description": "Colour configuration, models and caches of every task",
                "variables": {
                    name: f"{{{{Param.{_parameter(name)}}}}}" for name in sorted(bundle.environment)
                },
            }
        ]
    result["steps"] = steps
    return result


def _variable(name: str, value: str) -> dict[str, Any]:
    """The parameter that gives a variable its value. A path is one for the dispatcher too, which then maps it
    as it maps the jobs' own paths."""
    about = f"The variable {name} of every task"
    if not Path(value).is_absolute():
        return _text(_parameter(name), value, about)
    kind = "DIRECTORY" if Path(value).is_dir() else "FILE"
    return _path(_parameter(name), kind, "NONE", None, about)


def _parameter(variable: str) -> str:
    """``VOID_MODELS`` is the parameter ``VoidModels``."""
    return "".join(word.capitalize() for word in variable.split("_"))


def _values(bundle: Bundle) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = [{"name": "Scratch", "value": str(bundle.order.scratch_folder)}]
    for name, value in sorted(bundle.environment.items()):
        values.append({"name": _parameter(name), "value": value})
    if bundle.order.export is not None:
        values.append({"name": "NukeScript", "value": str(bundle.order.export.script)})
    return values


def _step(bundle: Bundle, name: str) -> dict[str, Any]:
    order = bundle.order
    words = [
        "farm", "step", name, "--plan", "{{Param.Plan}}", "--task", "{{Task.Param.Task}}",
        "--scratch", "{{Param.Scratch}}", "--path-mapping", "{{Session.PathMappingRulesFile}}",
    ]  # fmt: skip
    command = "{{Param.Void}}"
    needs = step_needs(bundle, name)
    if needs.gpus > 1:
        command = "{{Param.Torchrun}}"
        words = [*torchrun_words(needs.gpus), *words]
    tasks = len(bundle.plan.tasks(name))
    step: dict[str, Any] = {
        "name": name,
        "parameterSpace": {
            "taskParameterDefinitions": [{"name": "Task", "type": "INT", "range": f"0-{tasks - 1}"}]
        },
        "hostRequirements": {"amounts": _amounts(needs, order)},
        "script": {"actions": {"onRun": _run(command, words, needs.timeout_s, order.grace_s)}},
    }
    if name != STEP_ORDER[0]:
        step["dependencies"] = [{"dependsOn": STEP_ORDER[STEP_ORDER.index(name) - 1]}]
    return step


def _amounts(needs: StepNeeds, order: FarmSettings) -> list[dict[str, Any]]:
    amounts: list[dict[str, Any]] = [
        {"name": "amount.worker.vcpu", "min": needs.cores},
        {"name": "amount.worker.memory", "min": needs.memory_mib},
    ]
    if needs.gpus:
        amounts += [
            {"name": "amount.worker.gpu", "min": needs.gpus},
            {"name": "amount.worker.gpu.memory", "min": needs.gpu_memory_mib},
        ]
    amounts += [{"name": f"amount.{limit}", "min": 1} for limit in order.limits]
    return amounts


def _export_step(bundle: Bundle, export: NukeExport) -> dict[str, Any]:
    words = ["-t", "{{Param.ExportFrames}}", "--script={{Param.NukeScript}}"]
    words += [f"--write={_literal(name)}" for name in export.writes]
    words += ["--chunks={{Param.ExportChunks}}", "--task={{Task.Param.Task}}"]
    order = bundle.order
    tasks = len(export_chunks(bundle))
    needs = step_needs(bundle, "export")
    return {
        "name": "export",
        "parameterSpace": {
            "taskParameterDefinitions": [{"name": "Task", "type": "INT", "range": f"0-{tasks - 1}"}]
        },
        "hostRequirements": {"amounts": _amounts(needs, order)},
        "script": {"actions": {"onRun": _run("{{Param.Nuke}}", words, needs.timeout_s, order.grace_s)}},
    }


def _run(command: str, words: list[str], timeout_s: int, grace_s: int) -> dict[str, Any]:
    return {
        "command": command,
        "args": words,
        "timeout": timeout_s,
        "cancelation": {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": grace_s},
    }


def _path(name: str, kind: str, flow: str, default: str | None, description: str) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "name": name,
        "type": "PATH",
        "objectType": kind,
        "dataFlow": flow,
        "description": description,
    }
    if default is not None:
        definition["default"] = default
    return definition


def _text(name: str, default: str, description: str) -> dict[str, Any]:
    return {"name": name, "type": "STRING", "default": default, "description": description}


def _literal(text: str) -> str:
    """Escape braces, which would be taken for a format expression."""
    if "{{" in text:
        raise ValueError(f"{text!r} cannot be written into a template because of its '{{{{'")
    return text


def _dump(path: Path, content: dict[str, Any]) -> None:
    text = yaml.dump(content, Dumper=_DUMPER, sort_keys=False, width=1000, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def write(bundle: Bundle) -> Path:
    """Write the three files and return the template's path."""
    return write_openjd(bundle)


def obstacle() -> str:
    """Say that no Open Job Description service exists; its dispatchers are targets of their own."""
    return "run it with 'openjd run', or give the folder to a dispatcher that takes Open Job Description"


def submit(bundle: Bundle) -> str:
    """Refuse, for the reason that :func:`obstacle` gives."""
    raise FarmError(obstacle())
