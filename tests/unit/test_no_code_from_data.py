"""No module of ours makes code of data: no pickle, no torch.load, no eval, no shell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("plugin", "server", "void_engine", "installer")
MODULES = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code", "codeop",
    "pty", "commands", "popen2", "xmlrpc",
}  # fmt: skip
CALLS = {
    "eval", "exec", "compile", "execfile", "__import__", "breakpoint",
    "os.system", "os.popen", "pty.spawn", "subprocess.getoutput", "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell", "torch.load", "torch.jit.load", "torch.hub.load", "torch.package",
    "torch.compiler.load_cache_artifacts", "joblib.load", "yaml.load", "yaml.unsafe_load",
    "pandas.read_pickle", "torch.serialization.load", "imp.load_source", "runpy.run_path", "runpy.run_module",
}  # fmt: skip
METHODS = {"load_pickle", "read_pickle", "unsafe_load"}
MAY_COMPILE = {"re.compile"}
PRETRAINED = "from_pretrained"
"""diffusers and transformers: they must be told to read safetensors and no code."""


def findings(source: str) -> Iterator[str]:
    """What a module does that it must not, with the line."""
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:  # relative ones are our own
            names = [node.module or ""] + [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = []
        yield from (
            f"{line}: imports {name}" for name in names if name.partition(".")[0] in MODULES or name in CALLS
        )
        if isinstance(node, ast.Call):
            yield from (f"{line}: {problem}" for problem in _call_problems(node))


def _call_problems(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    last = name.rpartition(".")[2]
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    if name in CALLS or last in METHODS:
        yield f"calls {name}"
    if name.startswith(("os.exec", "os.spawn")):
        yield f"calls {name}"
    if "shell" in keywords and not _is(keywords["shell"], False):
        yield f"{name} with a shell"
    if "allow_pickle" in keywords and not _is(keywords["allow_pickle"], False):
        yield f"{name} with pickle"
    if "trust_remote_code" in keywords and not _is(keywords["trust_remote_code"], False):
        yield f"{name} with remote code"
    if "weights_only" in keywords and not _is(keywords["weights_only"], True):
        yield f"{name} with more than weights"
    if last in ("load", "loads") and name.partition(".")[0] in MODULES:
        yield f"calls {name}"
    if last == PRETRAINED and "Tokenizer" not in name and not _is(keywords.get("use_safetensors"), True):
        yield f"{name} without use_safetensors=True"


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def modules() -> list[Path]:
    return sorted(path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py"))


def test_no_module_makes_code_of_data() -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()}:{problem}"
        for path in modules()
        for problem in findings(path.read_text(encoding="utf-8"))
    }
    assert len(modules()) > 100
    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import cloudpickle as p",
        "def f():\n    import marshal",
        "eval(text)",
        "exec('x = 1')",
        "torch.load(path)",
        "from torch import load",
        "os.system('ls')",
        "os.execv(a, b)",
        "subprocess.run('ls', shell=True)",
        "subprocess.Popen(words, shell=maybe)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path, weights_only=False)",
        "AutoModel.from_pretrained(folder)",
        "AutoModel.from_pretrained(folder, use_safetensors=True, trust_remote_code=True)",
    ],
)
def test_the_scan_sees_what_it_looks_for(source: str) -> None:
    assert list(findings(source)), source


@pytest.mark.parametrize(
    "source",
    [
        "re.compile('x')", "json.load(file)", "subprocess.run(['ls'], shell=False)", "load_file(path)",
        "AutoModel.from_pretrained(folder, use_safetensors=True)", "window.exec_()", "np.load(path)",
    ],
)  # fmt: skip
def test_the_scan_lets_pass_what_is_harmless(source: str) -> None:
    assert not list(findings(source)), source
