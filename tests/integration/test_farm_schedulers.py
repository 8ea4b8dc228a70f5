"""Farms whose own programs cannot be had here: what is written for them is run as their documents say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.integration.command_case import void
from tests.integration.farm_case import LIMIT_S, STEPS, VOID, WORDS, bundle, farm_job, results
from void_server.farm.bundle import Bundle
from void_server.farm.commands import StepCommand
from void_server.farm.step_needs import StepNeeds
from void_server.farm.targets import kubernetes, royalrender, tractor

ODD = 'it\'s {task} [x] $HOME; "q" a}b #1'
"""Part of a path with signs that Tcl, shells, XML and Kubernetes give a meaning of their own."""


def run(words: Sequence[str], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
    )


class TestTractor:
    """Its job files are Tcl scripts of a few operators, so a real Tcl reads them. Every command runs."""

    @pytest.fixture
    def tcl(self) -> ModuleType:
        return pytest.importorskip("tkinter")

    def job(self, tcl: ModuleType, path: Path) -> dict[str, Any]:
        """Read a job as the operators are documented: each has a word or none, and then options."""
        interpreter = tcl.Tcl()
        split = interpreter.splitlist

        def operators(text: str, words: int) -> list[dict[str, Any]]:
            # Inside braces, a line is an operator with its words.
            found: list[dict[str, Any]] = []
            interpreter.createcommand("_took", lambda *told: found.append(self.operator(told, words)))
            for name in ("Job", "Task", "RemoteCmd"):
                interpreter.eval(f"proc {name} args {{ _took {name} {{*}}$args }}")
            interpreter.eval(text)
            for one in found:
                for group in ("subtasks", "cmds"):
                    if group in one:
                        one[group] = operators(one[group], 1)
                if one["operator"] == "RemoteCmd":
                    one["word"] = list(split(one["word"]))
                for name in ("tags", "projects", "envkey"):
                    if name in one:
                        one[name] = list(split(one[name]))
            return found

        (job,) = operators(path.read_text(encoding="utf-8"), 0)
        return job

    @staticmethod
    def operator(told: Sequence[str], words: int) -> dict[str, Any]:
        name, *rest = told
        one: dict[str, Any] = {"operator": name}
        if words:
            one["word"] = rest.pop(0)
        assert len(rest) % 2 == 0, rest
        for option, value in zip(rest[::2], rest[1::2], strict=True):
            assert option.startswith("-"), option
            one[option[1:]] = value
        return one

    def test_every_command_runs(self, tcl: ModuleType, tmp_path: Path) -> None:
        odd = tmp_path / ODD
        odd.mkdir()
        folder = bundle(odd, farm_job(odd, frames=6), to="tractor")
        (root,) = self.job(tcl, folder / "tractor.alf")["subtasks"]
        assert root["serialsubtasks"] == "1"
        assert [step["word"] for step in root["subtasks"]] == STEPS
        ran = 0
        for step in root["subtasks"]:
            for task in step["subtasks"]:
                (command,) = task["cmds"]
                done = run(command["word"])
                assert done.returncode == 0, done.stderr
                assert not done.stderr
                assert "TR_PROGRESS 100%" in done.stdout
                ran += 1
        assert ran == len(STEPS)
        assert len(results(odd)) == 6

    def test_the_options(self, tcl: ModuleType, tmp_path: Path) -> None:
        options = (*WORDS, "--gpu-group", "gpu", "--ocio", "/studio/my config.ocio", "--no-submit")
        folder = bundle(tmp_path, farm_job(tmp_path, engine="void"), to="tractor", options=options)
        job = self.job(tcl, folder / "tractor.alf")
        assert (job["title"], job["priority"], job["maxactive"]) == ("VOID sh010 v001", "70", "5")
        assert (job["projects"], job["tags"]) == (["paint"], ["licence", "disk"])
        assert "setenv OCIO=/studio/my config.ocio" in job["envkey"]
        steps = {step["word"]: step["subtasks"][0]["cmds"][0] for step in job["subtasks"][0]["subtasks"]}
        assert (steps["remove"]["service"], steps["remove"]["maxrunsecs"]) == ("comp,gpu-a,gpu", "45")
        assert steps["check"]["service"] == "comp,gpu-a"

    @pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for tractor-spool")
    def test_it_is_spooled(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        stand_in = tmp_path / "bin" / "tractor-spool"
        stand_in.parent.mkdir()
        stand_in.write_text('#!/bin/sh\nhead -1 "$1"\necho jid 12\n')
        stand_in.chmod(0o755)
        monkeypatch.setenv("PATH", f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}")
        words = ("farm", "bundle", farm_job(tmp_path), "--to", "tractor", "-o", tmp_path / "b")
        ran = void(*words, "--retries", "2")
        assert ran.code == 0, ran.err
        assert "sh010 v001: Tractor, jid 12" in ran.out
        assert "tractor has no word for --retries: left out" in ran.out
        stand_in.write_text("#!/bin/sh\necho no engine >&2\nexit 1\n")
        assert "tractor-spool did not take sh010 v001: no engine" in void(*words).err

    def test_a_percent_sign_is_refused(self, tmp_path: Path) -> None:
        ran = void("farm", "bundle", farm_job(tmp_path), "--to", "tractor", "-o", tmp_path / "50%j")
        assert ran.code != 0
        assert "rename the folder" in ran.err

    @pytest.mark.parametrize(
        "text", ["a b", "{", "}", "a\\", "\\{", '$x [y] "z"; #', "{a} {b}", "", "C:\\new"]
    )
    def test_tcl_reads_each_word_as_it_was(self, tcl: ModuleType, text: str) -> None:
        split = tcl.Tcl().splitlist
        (group,) = split(f"{{{tractor.tcl_list([text, 'z'])}}}")
        (inner,) = split(group)
        assert split(inner) == (text, "z")


class TestRoyalRender:
    """The file by its documented elements; the scripts run as its application ``Python PerFrame`` does."""

    DOCUMENTED = frozenset(
        {
            "Software", "Renderer", "Version", "SceneName", "SceneOS", "IsActive", "Layer", "SeqStart",
            "SeqEnd", "SeqStep", "SeqFileOffset", "ImageDir", "ImageFilename", "ImageExtension", "PreID",
            "WaitForPreID", "RequiredLicenses", "SubmitterParameter",
        }
    )  # fmt: skip

    @staticmethod
    def jobs(folder: Path) -> list[ElementTree.Element]:
        root = ElementTree.parse(folder / "royalrender.xml").getroot()
        assert (root.tag, root.attrib) == ("rrJob_submitFile", {"syntax_version": "6.0"})
        assert root.findtext("DeleteXML") == "0"
        return root.findall("Job")

    def test_every_script_runs(self, tmp_path: Path) -> None:
        odd = tmp_path / ODD
        odd.mkdir()
        folder = bundle(odd, farm_job(odd, frames=6), to="royalrender", options=("--part-frames", "3"))
        done: set[str | None] = {None}
        for job in self.jobs(folder):
            assert {node.tag for node in job} <= self.DOCUMENTED
            assert job.findtext("WaitForPreID") in done
            done.add(job.findtext("PreID"))
            words = [job.findtext(name) or "" for name in ("SceneName", "SeqStart", "SeqEnd", "SeqStep")]
            ran = run([sys.executable, *words])
            assert ran.returncode == 0, ran.stderr
        assert len(done) == 1 + len(STEPS)
        assert len(results(odd)) == 6

    def test_the_options(self, tmp_path: Path) -> None:
        options = (*WORDS, "--gpu-group", "gpu", "--no-submit")
        folder = bundle(tmp_path, farm_job(tmp_path, engine="void"), to="royalrender", options=options)
        prepare, remove, *_ = self.jobs(folder)
        told = {one.text for one in remove.iter("SubmitterParameter")}
        assert {
            "Priority=1~70", "CompanyProjectName=1~paint", "MaxClientsAtATime=1~5", "GPUrequired=1~1",
            "DefaultClientGroup=1~gpu", "RequiredMemory=1~2", "SeqDivMAX=1~1",
        } <= told  # fmt: skip
        assert "DefaultClientGroup=1~comp" in {one.text for one in prepare.iter("SubmitterParameter")}
        assert remove.findtext("RequiredLicenses") == "licence;disk"
        ran = void(
            "farm", "bundle", tmp_path / "sh010.json", "--to", "royalrender", "-o", tmp_path / "c",
            "--pool", "a b",
        )  # fmt: skip
        assert "hold no blanks" in ran.err

    def script(self, folder: Path, *words: str, **settings: object) -> Path:
        told = {
            "words": [sys.executable, *words], "token": "{task}", "environment": {"A": "ä b"},
            "timeout_s": 60, "grace_s": 5, "attempts": 1, **settings,
        }  # fmt: skip
        path = folder / "step.py"
        path.write_text(royalrender.SCRIPT.replace("{step!r}", repr(json.dumps(told))))
        return path

    def test_tasks_in_turn_attempts_and_variables(self, tmp_path: Path) -> None:
        code = (
            "import os, sys; n = sys.argv[1].partition('=')[2]; p = sys.argv[2] + n;"
            "open(p, 'a', encoding='utf-8').write(os.environ['A']);"
            "sys.exit(0 if n == '3' or os.path.getsize(p) > 5 else 7)"
        )
        script = self.script(tmp_path, "-c", code, "--task={task}", str(tmp_path / "n"), attempts=2)
        assert run([sys.executable, str(script), "3", "5", "2"]).returncode == 0
        assert {path.name: path.read_text("utf-8") for path in tmp_path.glob("n*")} == {
            "n3": "ä b",
            "n5": "ä bä b",
        }

    def test_a_task_that_fails_or_hangs_ends_the_script(self, tmp_path: Path) -> None:
        script = self.script(tmp_path, "-c", "import sys; sys.exit(7)")
        assert run([sys.executable, str(script), "0", "0", "1"]).returncode == 7
        began = time.monotonic()
        script = self.script(tmp_path, "-c", "import time; time.sleep(60)", timeout_s=0.3)
        ran = run([sys.executable, str(script), "0", "0", "1"])
        assert ran.returncode == 1
        assert "took longer" in ran.stdout
        assert time.monotonic() - began < 20

    @pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for rrSubmitterconsole")
    def test_it_is_submitted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        console = tmp_path / "rr" / "bin" / "lx64" / "rrSubmitterconsole"
        console.parent.mkdir(parents=True)
        console.write_text('#!/bin/sh\ngrep -c "<Job>" "$1" > "$0.told"\n')
        console.chmod(0o755)
        monkeypatch.setenv("RR_ROOT", str(tmp_path / "rr"))
        bundle(tmp_path, farm_job(tmp_path), to="royalrender", options=("--submit",))
        assert Path(f"{console}.told").read_text().strip() == "4"


IMAGE = ("--image", "studio/void:1", "--claim", "shows=/shows", "--claim", "scratch=/scratch")
KUBECTL = '''#!{python}
"""What the script needs of kubectl. An applied Job runs at once: each index, with Kubernetes' own rule for
variables in arguments."""
import os, re, subprocess, sys, yaml

words = [word for word in sys.argv[1:] if word not in ("-n", "paint")]
done = __file__ + "."
if words[0] == "apply":
    job = yaml.safe_load(open(words[2], encoding="utf-8"))
    container = job["spec"]["template"]["spec"]["containers"][0]
    state = "Complete"
    for index in range(job["spec"]["completions"]):
        own = dict(os.environ, JOB_COMPLETION_INDEX=str(index))
        own.update({{one["name"]: one["value"] for one in container["env"]}})
        def expanded(found):
            if found[0].startswith("$$"):
                return found[0][1:]
            return own.get(found[1], found[0])
        command = [re.sub(r"\\$?\\$\\(([A-Za-z_]+)\\)", expanded, word) for word in container["command"]]
        if subprocess.call(command, env=own):
            state = "Failed"
    open(done + job["metadata"]["name"], "w").write("SuccessCriteriaMet " + state)
elif words[0] == "get":
    if os.path.exists(done + words[2]):
        print(open(done + words[2]).read())
elif words[0] == "delete":
    os.remove(done + words[2])
'''


class TestKubernetes:
    """By the published schema, strictly; the script runs with a stand-in for kubectl that runs the pods."""

    @staticmethod
    def manifests(folder: Path) -> Mapping[str, dict[str, Any]]:
        return {step: yaml.safe_load((folder / "kubernetes" / f"{step}.yaml").read_text()) for step in STEPS}

    @pytest.mark.parametrize("version", ["1.29", "1.37"])
    def test_the_published_schema(self, version: str, tmp_path: Path) -> None:
        schema = pytest.importorskip("kubernetes_validate")
        options = (*WORDS, *IMAGE, "--gpu-group", "gpu", "--ocio", "/studio/$(x).ocio", "--tag", "zone=a.b")
        folder = bundle(tmp_path, farm_job(tmp_path, engine="void"), to="kubernetes", options=options)
        jobs = self.manifests(folder)
        for job in jobs.values():
            schema.validate(job, version, strict=True)
        with pytest.raises(schema.ValidationError):
            schema.validate({**jobs["remove"], "spec": {"completion": 3}}, version, strict=True)
        spec = jobs["remove"]["spec"]
        pod = spec["template"]["spec"]
        assert (spec["completionMode"], spec["completions"], spec["backoffLimitPerIndex"]) == (
            "Indexed",
            1,
            2,
        )
        assert jobs["merge"]["spec"]["parallelism"] == 2
        assert (pod["activeDeadlineSeconds"], pod["terminationGracePeriodSeconds"]) == (45, 20)
        assert pod["nodeSelector"] == {"gpu-a": "true", "gpu": "true", "zone": "a.b"}
        container = pod["containers"][0]
        assert container["resources"]["limits"] == {"memory": "1500Mi", "nvidia.com/gpu": "1"}
        assert container["command"][-5] == "$(JOB_COMPLETION_INDEX)"
        assert {"name": "OCIO", "value": "/studio/$$(x).ocio"} in container["env"]
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/shows", "/scratch"]
        metadata = jobs["remove"]["metadata"]
        assert metadata["namespace"] == "paint"
        assert metadata["labels"] == {"kueue.x-k8s.io/queue-name": "comp"}

    @staticmethod
    def kubectl(folder: Path) -> str:
        """Make the stand-in, and return the PATH with it."""
        path = folder / "bin" / "kubectl"
        path.parent.mkdir()
        path.write_text(KUBECTL.format(python=sys.executable))
        path.chmod(0o755)
        return f"{path.parent}{os.pathsep}{os.environ['PATH']}"

    @pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
    def test_every_pod_runs(self, tmp_path: Path) -> None:
        odd = tmp_path / (ODD + " $(JOB_COMPLETION_INDEX)")
        odd.mkdir()
        folder = bundle(odd, farm_job(odd, frames=6), to="kubernetes", options=IMAGE)
        script = str(folder / "kubernetes" / "run.sh")
        done = run(["/bin/sh", script], PATH=self.kubectl(tmp_path), EVERY_S="0")
        assert done.returncode == 0, done.stderr
        assert len(results(odd)) == 6

    @pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
    def test_a_step_waits_for_the_one_before_and_all_run_again(self, tmp_path: Path) -> None:
        told = tmp_path / "told"
        command = tmp_path / "void"
        command.write_text(f'#!/bin/sh\necho "$3 $7" >> {told}\ntest "$3" != "$(cat {tmp_path}/bad)"\n')
        command.chmod(0o755)
        options = (*IMAGE, "--department", "paint", "--void", str(command))
        ran = void(
            "farm", "bundle", farm_job(tmp_path), "--to", "kubernetes", "-o", tmp_path / "b",
            "--part-frames", "6", *options,
        )  # fmt: skip
        assert ran.code == 0, ran.err
        script = ["/bin/sh", str(tmp_path / "b" / "kubernetes" / "run.sh")]
        path = self.kubectl(tmp_path)
        (tmp_path / "bad").write_text("remove")
        failed = run(script, PATH=path, EVERY_S="0")
        assert failed.returncode != 0
        assert "has failed: kubectl -n paint logs" in failed.stderr
        assert told.read_text().splitlines() == ["prepare 0", "remove 0", "remove 1"]
        (tmp_path / "bad").write_text("")
        for _again in range(2):
            told.unlink()
            done = run(script, PATH=path, EVERY_S="0")
            assert done.returncode == 0, done.stderr
            assert told.read_text().splitlines() == [
                "prepare 0", "remove 0", "remove 1", "merge 0", "check 0",
            ]  # fmt: skip

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ((), "give --image, and --claim"),
            (("--image", "x", "--claim", "shows"), "write NAME=/PATH"),
            ((*IMAGE, "--tag", "a b"), "--tag a b"),
            ((*IMAGE, "--department", "Paint Dept"), "--department Paint Dept"),
        ],
    )
    def test_what_a_cluster_would_refuse(self, options: tuple[str, ...], text: str, tmp_path: Path) -> None:
        ran = void("farm", "bundle", farm_job(tmp_path), "--to", "kubernetes", "-o", tmp_path / "b", *options)
        assert ran.code != 0
        assert text in ran.err

    def test_names_are_host_names_and_stay_apart(self, tmp_path: Path) -> None:
        needs = StepNeeds(1, 1, 1)
        names = [
            kubernetes.job_name(
                Bundle(tmp_path, f"Seq_{'x' * 80}{end} v001", None, None, None, ""),  # type: ignore[arg-type]
                StepCommand("remove", (str(VOID),), 1200, needs, None),
            )
            for end in "ab"
        ]
        assert len(set(names)) == 2
        assert all(len(f"{name}-1199") <= 63 and name.islower() for name in names)
