"""The same steps for Deadline Cloud, OpenCue and Deadline 10."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.integration.command_case import void
from tests.integration.farm_case import STEPS, VOID, WORDS, bundle, farm_job, results


def in_python(folder: Path, code: str) -> str:
    """What code prints in a process of its own: these packages warn on import and read the environment."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "HOME": str(home), "USERPROFILE": str(home), "OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


class TestDeadlineCloud:
    """By the deadline package's own bundle functions. The service cannot be reached from tests."""

    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("deadline")

    def test_the_package_reads_the_bundle(self, tmp_path: Path) -> None:
        job = farm_job(tmp_path)
        ran = in_python(
            tmp_path,
            "import sys; from void_server.cli.commands import app\n"
            f"sys.argv[1:] = ['farm', 'bundle', {str(job)!r}, '--to', 'deadline-cloud', '-o',"
            f" {str(tmp_path / 'b')!r}, '--scratch', {str(tmp_path / 'scratch')!r}, *{WORDS!r}]\n"
            "app(standalone_mode=False)\n"
            "from pathlib import Path\n"
            "from void_server.farm.targets.deadline_cloud import read_back\n"
            f"parameters, references = read_back(Path({str(tmp_path / 'b')!r}))\n"
            "import json\n"
            "print(json.dumps([{p['name']: p.get('value') for p in parameters},"
            " sorted(references.input_filenames), sorted(references.output_directories)]))",
        )
        assert "not submitted: no Deadline Cloud farm_id is set here" in ran
        parameters, files, folders = json.loads(ran.splitlines()[-1])
        assert "deadline-cloud has no word for --pool, --department, --tag: left out" in ran
        assert (parameters["deadline:priority"], parameters["deadline:maxRetriesPerTask"]) == (70, 2)
        assert parameters["deadline:maxWorkerCount"] == 5
        template = (tmp_path / "b" / "template.yaml").read_text()
        assert "name: amount.licence" in template
        assert parameters["Scratch"] == str(tmp_path / "scratch")
        assert parameters["Plan"].endswith("plan.json")
        assert str(tmp_path / "sh010" / "plate.1001.exr") in files
        assert str(tmp_path / "b" / "jobs" / "sh010.json") in files
        assert folders == sorted([str(tmp_path / "scratch"), str(tmp_path / "sh010" / "out")])

    def test_what_would_be_created(self, tmp_path: Path) -> None:
        """The package's whole submission, with a service that only writes down what it is asked for."""
        folder = bundle(tmp_path, farm_job(tmp_path))
        said = in_python(
            tmp_path,
            f"""
import json
from pathlib import Path
from unittest import mock
from deadline.client import api
from deadline.client.config import set_setting
from void_server.farm.bundle import Bundle
from void_server.farm.targets import deadline_cloud
from void_server.farm.order import FarmSettings
from void_server.farm.plan_file import read_plan
from void_server.farm.assets import Assets

set_setting("defaults.farm_id", "farm-0123")
set_setting("defaults.queue_id", "queue-0123")
set_setting("telemetry.opt_out", "true")
assert deadline_cloud.obstacle() == ""
asked = {{}}

class Service:
    def get_queue(self, **words):
        return {{"displayName": "test", "queueId": "queue-0123"}}
    def create_job(self, **words):
        asked.update(words)
        return {{"jobId": "job-0123"}}
    def get_job(self, **words):
        return {{"lifecycleStatus": "CREATE_COMPLETE", "lifecycleStatusMessage": ""}}

folder = Path({str(folder)!r})
order = FarmSettings(folder=folder, scratch=folder)
made = Bundle(folder, "sh010", read_plan(folder / "plan.json"), Assets(), order, "identity")
with mock.patch.object(api, "get_boto3_client", lambda *a, **k: Service()), \\
     mock.patch.object(api, "get_queue_parameter_definitions", lambda *a, **k: []), \\
     mock.patch.object(api, "get_deadline_cloud_library_telemetry_client"):
    print(deadline_cloud.submit(made))
print(json.dumps({{k: v for k, v in asked.items() if k != "template"}}))
""",
        )
        *_, line, asked_text = said.splitlines()
        assert line == "sh010: Deadline Cloud job job-0123"
        asked = json.loads(asked_text)
        assert asked["farmId"] == "farm-0123"
        assert asked["parameters"]["Scratch"] == {"path": str(tmp_path / "scratch")}


class TestOpenCue:
    """By pyoutline's own serialisation; every layer's frames run by its own execution."""

    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("grpc")
        if not list(Path(sys.prefix).glob("lib/python*/site-packages/outline")):
            pytest.skip("pyoutline is not installed here")

    def outline(self, folder: Path, *options: str) -> Path:
        job = farm_job(folder, engine="void" if options else "identity")
        in_python(
            folder,
            "import sys; from void_server.cli.commands import app\n"
            f"sys.argv[1:] = ['farm', 'bundle', {str(job)!r}, '--to', 'opencue', '-o',"
            f" {str(folder / 'b')!r}, '--scratch', {str(folder / 'scratch')!r}, '--void', {str(VOID)!r},"
            f" '--part-frames', '6', '--chunk-frames', '12', '--no-submit', *{list(options)!r}]\n"
            "app(standalone_mode=False)",
        )
        return folder / "b" / "opencue.xml"

    def test_layers_and_what_they_wait_for(self, tmp_path: Path) -> None:
        text = self.outline(
            tmp_path, "--gpu-group", "gpu", "--ocio", "/studio/config.ocio", *WORDS
        ).read_text()
        spec = ElementTree.fromstring(text.partition(">\n")[2] or text[text.index("<spec>") :])
        layers = {layer.attrib["name"]: layer for layer in spec.iter("layer")}
        assert list(layers) == STEPS
        remove = layers["remove"]
        assert remove.findtext("range") == "0-0"  # one piece: the windows of one shot are coupled
        assert remove.findtext("gpus") == "1"
        assert remove.findtext("gpu_memory") == "24g"
        assert remove.findtext("tags") == "gpu-a | gpu"
        assert remove.findtext("memory") == "1500m"
        assert remove.findtext("timeout") == "1"  # in minutes, and never none
        assert [limit.text for limit in remove.iter("limit")] == ["licence", "disk"]
        assert (spec.findtext("job/priority"), spec.findtext("job/maxretries")) == ("70", "2")
        assert spec.findtext("facility") == "comp"
        assert "--task #IFRAME#" in (remove.findtext("cmd") or "")
        variables = {key.attrib["name"]: key.text for key in spec.iter("key")}
        assert variables["OCIO"] == "/studio/config.ocio"  # pyoutline sends only what is set before the shot
        waits = [(one.findtext("deplayer"), one.findtext("onlayer")) for one in spec.iter("depend")]
        assert waits == [("remove", "prepare"), ("merge", "remove"), ("check", "merge")]

    def test_every_frame_runs_for_real(self, tmp_path: Path) -> None:
        """pyoutline's local backend takes frames of all layers by number and knows no dependencies, so the
        layers are executed by pyoutline one after the other."""
        self.outline(tmp_path)
        out = in_python(
            tmp_path,
            f"""
from pathlib import Path
from void_server.farm.bundle import Bundle
from void_server.farm.targets import opencue
from void_server.farm.order import FarmSettings
from void_server.farm.plan_file import read_plan
from void_server.farm.assets import Assets
folder = Path({str(tmp_path / "b")!r})
order = FarmSettings(folder=folder, scratch=Path({str(tmp_path / "scratch")!r}), void_command={str(VOID)!r})
made = Bundle(folder, "sh010", read_plan(folder / "plan.json"), Assets(), order, "identity")
outline = opencue.outline_of(made, token=opencue.RANGE_TOKEN)
outline.setup()
import FileSequence
for layer in outline.get_layers():
    for frame in FileSequence.FrameSet(layer.get_frame_range()):
        layer.execute(frame)
        print("ran", layer.get_name(), frame)
""",
        )
        ran = [line for line in out.splitlines() if line.startswith("ran ")]
        assert ran == ["ran prepare 0", "ran remove 0", "ran remove 1", "ran merge 0", "ran check 0"]
        assert len(results(tmp_path)) == 12


class TestDeadline10:
    """The files by their documented keys; nothing is claimed beyond, there is no Deadline here."""

    JOB_KEYS = frozenset(
        {
            "Plugin", "Name", "BatchName", "Frames", "ChunkSize", "TaskTimeoutSeconds", "OnTaskTimeout",
            "OutputDirectory0", "JobDependencies", "Group", "EnvironmentKeyValue0", "EnvironmentKeyValue1",
            "Priority", "Pool", "Department", "OverrideTaskFailureDetection", "FailureDetectionTaskErrors",
            "LimitGroups", "MachineLimit",
        }
    )  # fmt: skip
    PLUGIN_KEYS = frozenset({"Executable", "Arguments", "Shell", "ShellExecute", "SingleFramesOnly"})

    @staticmethod
    def entries(path: Path) -> dict[str, str]:
        return dict(line.split("=", 1) for line in path.read_text().splitlines())

    def test_the_files(self, tmp_path: Path) -> None:
        options = ("--gpu-group", "gpu", "--ocio", "/studio/config.ocio", "--no-submit", *WORDS)
        folder = bundle(tmp_path, farm_job(tmp_path, engine="void"), to="deadline10", options=options)
        for step in STEPS:
            info = self.entries(folder / "deadline10" / f"{step}_job_info.job")
            plugin = self.entries(folder / "deadline10" / f"{step}_plugin_info.job")
            assert set(info) <= self.JOB_KEYS
            assert set(plugin) <= self.PLUGIN_KEYS
            assert info["Plugin"] == "CommandLine"
            assert plugin["Executable"] == str(VOID)
            assert f"farm step {step} " in plugin["Arguments"]
            assert "--task <STARTFRAME>" in plugin["Arguments"]
        remove = self.entries(folder / "deadline10" / "remove_job_info.job")
        assert remove["Group"] == "gpu"
        assert remove["Name"] == "VOID sh010 v001 - remove"
        assert (remove["Priority"], remove["Pool"], remove["Department"]) == ("70", "comp", "paint")
        assert (remove["FailureDetectionTaskErrors"], remove["MachineLimit"]) == ("3", "5")
        assert remove["LimitGroups"] == "licence,disk"
        assert remove["TaskTimeoutSeconds"] == "45"
        assert remove["EnvironmentKeyValue0"] == "OCIO=/studio/config.ocio"
        assert self.entries(folder / "deadline10" / "merge_job_info.job")["Frames"] == "0-1"

    @pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for deadlinecommand")
    def test_steps_are_submitted_in_order(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        stand_in = tmp_path / "bin" / "deadlinecommand"
        stand_in.parent.mkdir()
        stand_in.write_text(
            '#!/bin/sh\ncat "$1" >> "$(dirname "$0")/told"\n'
            'echo Result=Success\necho JobID=id_of_$(basename "$1" _job_info.job)\n'
        )
        stand_in.chmod(0o755)
        monkeypatch.setenv("DEADLINE_PATH", str(stand_in.parent))
        ran = void(
            "farm", "bundle", farm_job(tmp_path), "--to", "deadline10", "-o", tmp_path / "b", "--submit"
        )
        assert ran.code == 0, ran.err
        told = (stand_in.parent / "told").read_text()
        waits = [line for line in told.splitlines() if line.startswith("JobDependencies=")]
        assert waits == [f"JobDependencies=id_of_{step}" for step in STEPS[:-1]]
        assert "Deadline job id_of_check" in ran.out

    def test_without_deadline_it_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DEADLINE_PATH", str(tmp_path))
        words = ("farm", "bundle", farm_job(tmp_path), "--to", "deadline10", "-o", tmp_path / "b")
        ran = void(*words)
        assert ran.code == 0
        assert "not submitted: there is no deadlinecommand here" in ran.out
        assert void(*words, "--submit").code != 0


class TestCommands:
    """The script runs for real; the graph is what it was made from."""

    @pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
    def test_the_script_runs_all_one_step_or_one_task(self, tmp_path: Path) -> None:
        odd = tmp_path / "it's a {task} $HOME"  # quotes, the token itself and a variable in a path
        odd.mkdir()
        folder = bundle(odd, farm_job(odd, frames=6), to="commands", options=("--part-frames", "3"))
        script = folder / "commands.sh"

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["/bin/sh", script, *words],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                env={**os.environ, "JOBS": "2", "OMP_NUM_THREADS": "1"},
            )

        early = run("merge", "0")
        assert early.returncode != 0
        assert "run the step 'prepare' first" in early.stderr
        whole = run()
        assert whole.returncode == 0, whole.stderr
        assert len(results(odd)) == 6
        assert run("nope", "0").returncode == 2

    def test_the_graph(self, tmp_path: Path) -> None:
        folder = bundle(tmp_path, farm_job(tmp_path), to="commands", options=WORDS)
        graph = json.loads((folder / "commands.json").read_text())
        assert [step["name"] for step in graph["steps"]] == STEPS
        assert [step["after"] for step in graph["steps"]] == [[], *([name] for name in STEPS[:-1])]
        assert all(graph["task_token"] in step["command"] for step in graph["steps"])
        assert (graph["priority"], graph["tags"], graph["machine_limit"]) == (70, ["gpu-a"], 5)
        assert {step["name"]: step["tasks"] for step in graph["steps"]}["remove"] == 2


class TestSlurm:
    @staticmethod
    def directives(path: Path) -> dict[str, str]:
        lines = [line for line in path.read_text().splitlines() if line.startswith("#SBATCH --")]
        return dict(line.removeprefix("#SBATCH --").split("=", 1) for line in lines)

    def test_the_batch_scripts(self, tmp_path: Path) -> None:
        options = (*WORDS, "--gpu-group", "gpu", "--ocio", "/studio/my config.ocio", "--no-submit")
        folder = bundle(tmp_path, farm_job(tmp_path, engine="void"), to="slurm", options=options)
        remove = self.directives(folder / "slurm" / "remove.sh")
        assert (remove["partition"], remove["account"], remove["nice"]) == ("comp", "paint", "3000")
        assert (remove["licenses"], remove["constraint"]) == ("licence,disk", "gpu-a&gpu")
        assert (remove["mem"], remove["time"], remove["gres"]) == ("1500M", "1", "gpu:1")
        check = self.directives(folder / "slurm" / "check.sh")
        assert check["constraint"] == "gpu-a"
        assert "gres" not in check
        text = (folder / "slurm" / "remove.sh").read_text()
        assert "export OCIO='/studio/my config.ocio'" in text
        assert '[ "$attempt" -le 2 ]' in text

    @pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for sbatch")
    def test_arrays_wait_for_those_before(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        stand_in = tmp_path / "bin" / "sbatch"
        stand_in.parent.mkdir()
        stand_in.write_text('#!/bin/sh\necho "$@" >> "$0.told"\nwc -l < "$0.told"\n')
        stand_in.chmod(0o755)
        monkeypatch.setenv("PATH", f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}")
        bundle(tmp_path, farm_job(tmp_path), to="slurm", options=("--submit", "--machine-limit", "1"))
        told = Path(f"{stand_in}.told").read_text().splitlines()
        assert len(told) == len(STEPS)
        assert "--array=0-1%1" in told[1]
        waits = [word for line in told for word in line.split() if word.startswith("--dependency=")]
        assert waits == [f"--dependency=afterok:{number}" for number in (1, 2, 3)]

    def test_a_step_of_many_tasks_has_several_arrays(self) -> None:
        from void_server.farm.commands import StepCommand
        from void_server.farm.step_needs import StepNeeds
        from void_server.farm.targets.slurm import arrays

        step = StepCommand("merge", ("void",), 2500, StepNeeds(1, 1000, 60), None)
        assert arrays(step, None) == [(0, "0-999"), (1000, "0-999"), (2000, "0-499")]
        assert arrays(step, 7)[2] == (2000, "0-499%7")
