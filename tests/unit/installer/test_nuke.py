"""The plug-in in Nuke's folder: put there, again, taken out, with wheels made on the spot."""

from __future__ import annotations

import ast
import errno
import io
import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from installer import command, nuke, nuke_folder, nuke_wheels
from installer.console import Console
from installer.environment import Environment
from installer.errors import SetupError
from installer.nuke_wheels import NukePython
from installer.project import Project

LINUX = NukePython("3.11", "linux-x86_64")


def wheel_name(name: str, python: str = "cp311", system: str = "manylinux_2_17_x86_64") -> str:
    pins = nuke_wheels._pins(Project())
    return f"{name}-{pins[name]}-{python}-{python}-{system}.whl"


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    folder = tmp_path / "wheel house"
    folder.mkdir()
    for name, module in (("pyzmq", "zmq"), ("msgspec", "msgspec")):
        with zipfile.ZipFile(folder / wheel_name(name), "w") as wheel:
            wheel.writestr(f"{module}/__init__.py", "")
            wheel.writestr(f"{module}/backend.so", "x")
            wheel.writestr(f"{name}-1.data/platlib/{module}/more.py", "")
            wheel.writestr(f"{name}-1.data/scripts/tool", "")
    return folder


def run(tmp_path: Path, wheelhouse: Path, *arguments: str) -> tuple[int, str]:
    said = io.StringIO()
    options = ("--nuke-dir", str(tmp_path / "home" / ".nuke"), "--platform", "linux-x86_64", *arguments)
    if "--uninstall" not in arguments:
        options = (*options, "--wheelhouse", str(wheelhouse))
    prefix = tmp_path / "nowhere"
    return nuke.run(prefix, Project(), Console(said), options), said.getvalue()


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_everything_nuke_needs_is_in_place(tmp_path: Path, wheelhouse: Path) -> None:
    status, said = run(tmp_path, wheelhouse)

    ours = tmp_path / "home" / ".nuke" / "void_for_nuke"
    assert status == 0, said
    for part in ("init.py", "menu.py", "void_nuke/host/host.py", "void_protocol/client.py", "gizmos"):
        assert (ours / part).exists(), part
    assert (ours / "vendor" / "py3.11-linux-x86_64" / "zmq" / "more.py").is_file()
    assert not list(ours.rglob("__pycache__"))
    assert not list(ours.rglob("tool"))
    assert not (tmp_path / "nowhere").exists(), "nothing had to be downloaded"


def test_the_second_time_changes_nothing(tmp_path: Path, wheelhouse: Path) -> None:
    run(tmp_path, wheelhouse)
    first = snapshot(tmp_path / "home")

    run(tmp_path, wheelhouse)

    assert snapshot(tmp_path / "home") == first


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"import nuke\n",
        b"import nuke\r\nnuke.pluginAddPath('x')\r\n",
        b"nuke.tprint('no newline')",
        "# Büro\n".encode("latin-1"),
    ],
)
def test_taking_it_out_restores_exactly(tmp_path: Path, wheelhouse: Path, content: bytes | None) -> None:
    nuke_dir = tmp_path / "home" / ".nuke"
    if content is not None:
        nuke_dir.mkdir(parents=True)
        (nuke_dir / "init.py").write_bytes(content)
        (nuke_dir / "mine.gizmo").write_text("Gizmo {\n}\n")
    (tmp_path / "home").mkdir(exist_ok=True)
    before = snapshot(tmp_path / "home")
    run(tmp_path, wheelhouse)
    run(tmp_path, wheelhouse)
    assert snapshot(tmp_path / "home") != before

    status, said = run(tmp_path, wheelhouse, "--uninstall")

    assert status == 0
    assert "removed" in said
    assert snapshot(tmp_path / "home") == before
    assert "nothing to do" in run(tmp_path, wheelhouse, "--uninstall")[1]


def test_what_the_artist_added_since_is_kept(tmp_path: Path, wheelhouse: Path) -> None:
    init = tmp_path / "home" / ".nuke" / "init.py"
    init.parent.mkdir(parents=True)
    init.write_bytes(b"first = 1")
    run(tmp_path, wheelhouse)
    init.write_bytes(init.read_bytes() + b"last = 2\n")

    run(tmp_path, wheelhouse, "--uninstall")

    assert init.read_bytes() == b"first = 1\nlast = 2\n"


def test_a_full_disk_leaves_init_py_whole(
    tmp_path: Path, wheelhouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nuke_dir = tmp_path / "home" / ".nuke"
    nuke_dir.mkdir(parents=True)
    (nuke_dir / "init.py").write_bytes(b"import nuke\n")
    before = snapshot(tmp_path / "home")
    write_bytes = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if b"VOID for Nuke: " in content and path.parent == nuke_dir:
            write_bytes(path, content[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SetupError, match="No space left"):
        run(tmp_path, wheelhouse)

    assert snapshot(tmp_path / "home") == before


def test_what_fails_the_first_time_leaves_nothing(
    tmp_path: Path, wheelhouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name.endswith(".new"):
            raise PermissionError(errno.EACCES, "in use")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(SetupError, match="in use"):
        run(tmp_path, wheelhouse)

    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
def test_a_linked_init_py_stays_a_link(tmp_path: Path, wheelhouse: Path) -> None:
    nuke_dir = tmp_path / "home" / ".nuke"
    nuke_dir.mkdir(parents=True)
    shared = tmp_path / "studio.py"
    shared.write_bytes(b"import nuke\n")
    shared.chmod(0o640)
    (nuke_dir / "init.py").symlink_to(shared)

    run(tmp_path, wheelhouse)
    assert b"VOID for Nuke" in shared.read_bytes()
    run(tmp_path, wheelhouse, "--uninstall")

    assert (nuke_dir / "init.py").is_symlink()
    assert shared.read_bytes() == b"import nuke\n"
    assert shared.stat().st_mode & 0o777 == 0o640


def test_the_line_loads_the_folder_and_survives_its_loss(tmp_path: Path, wheelhouse: Path) -> None:
    run(tmp_path, wheelhouse)
    init = tmp_path / "home" / ".nuke" / "init.py"
    assert len(init.read_text().splitlines()) == 1
    ast.parse(init.read_text(), feature_version=(3, 10))
    fake = (
        "import sys, types; m = types.ModuleType('nuke'); m.pluginAddPath = print; sys.modules['nuke'] = m\n"
    )

    def start() -> str:
        code = fake + f"exec(open({str(init)!r}).read())"
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert start().strip() == str(init.parent / "void_for_nuke")
    (init.parent / "void_for_nuke" / "init.py").unlink()
    assert start() == ""


def test_packages_of_another_nuke_stay(tmp_path: Path, wheelhouse: Path) -> None:
    run(tmp_path, wheelhouse)
    for name, module in (("pyzmq", "zmq"), ("msgspec", "msgspec")):
        with zipfile.ZipFile(wheelhouse / wheel_name(name, "cp310"), "w") as wheel:
            wheel.writestr(f"{module}/old.py", "")

    run(tmp_path, wheelhouse, "--python", "3.10")

    vendor = tmp_path / "home" / ".nuke" / "void_for_nuke" / "vendor"
    assert {entry.name for entry in vendor.iterdir()} == {"py3.11-linux-x86_64", "py3.10-linux-x86_64"}
    assert (vendor / "py3.11-linux-x86_64" / "zmq" / "more.py").exists()


def test_somebodys_folder_is_left_alone(tmp_path: Path, wheelhouse: Path) -> None:
    theirs = tmp_path / "home" / ".nuke" / "void_for_nuke"
    theirs.mkdir(parents=True)
    (theirs / "notes.txt").write_text("mine")

    with pytest.raises(SetupError, match="was not made by this installer"):
        run(tmp_path, wheelhouse)

    assert snapshot(tmp_path / "home" / ".nuke") == {
        "void_for_nuke": None,
        "void_for_nuke/notes.txt": b"mine",
    }


@pytest.mark.parametrize("name", ["../outside.py", "/outside.py", "a/../../outside.py", "..\\outside.py"])
def test_a_wheel_cannot_write_elsewhere(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(name, "")

    with pytest.raises(SetupError, match="leads out of its folder"):
        nuke_wheels.unpack([path], tmp_path / "vendor")

    assert not (tmp_path / "outside.py").exists()


def test_a_damaged_wheel_is_named(tmp_path: Path) -> None:
    (tmp_path / "msgspec-1-py3-none-any.whl").write_bytes(b"PK\3\4 cut off")

    with pytest.raises(SetupError, match=r"msgspec-1-py3-none-any\.whl.*damaged"):
        nuke_wheels.unpack([tmp_path / "msgspec-1-py3-none-any.whl"], tmp_path / "vendor")


@pytest.mark.parametrize(
    ("wheel", "python", "fits"),
    [
        ("pyzmq-27-cp311-cp311-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl", LINUX, True),
        ("pyzmq-27-cp310-cp310-manylinux_2_26_x86_64.whl", LINUX, False),
        ("pyzmq-27-cp38-abi3-manylinux_2_17_x86_64.whl", LINUX, True),
        ("pyzmq-27-cp312-abi3-manylinux_2_17_x86_64.whl", LINUX, False),
        ("pyzmq-27-cp311-cp311-win_amd64.whl", LINUX, False),
        ("pyzmq-27-cp311-cp311-win_amd64.whl", NukePython("3.11", "windows-x86_64"), True),
        ("pyzmq-27-cp311-cp311-macosx_10_15_universal2.whl", NukePython("3.11", "macos-arm64"), True),
        ("pure-1-py3-none-any.whl", LINUX, True),
        ("pure-1-2-py3-none-any.whl", LINUX, True),
        ("pyzmq-27.whl", LINUX, False),
    ],
)
def test_which_wheels_a_nuke_can_load(wheel: str, python: NukePython, fits: bool) -> None:
    assert python.fits(wheel) is fits


@pytest.mark.slow
def test_what_is_missing_is_downloaded_into_the_wheelhouse(
    tmp_path: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch, wheelhouse: Path
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", wheelhouse.as_uri())
    for path in list(wheelhouse.glob("*.whl")):
        name, version, *_ = path.stem.split("-")
        with zipfile.ZipFile(path, "a") as wheel:
            info = f"{name}-{version}.dist-info"
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
            wheel.writestr(f"{info}/RECORD", "")
    empty = tmp_path / "empty house"
    said = io.StringIO()

    status = nuke.run(
        environment.prefix,
        Project(),
        Console(said),
        ["--wheelhouse", str(empty), "--platform", "linux-x86_64", "--fill"],
    )

    assert status == 0
    assert sorted(path.name for path in empty.iterdir()) == sorted(path.name for path in wheelhouse.iterdir())
    assert "python3 installer nuke --python 3.11 --wheelhouse" in said.getvalue()


@pytest.mark.slow
def test_without_network_and_wheels_it_says_what_to_do(
    tmp_path: Path,
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    nuke_dir = tmp_path / ".nuke"

    status = command.main(["nuke", "--nuke-dir", str(nuke_dir), "--prefix", str(environment.prefix)])

    said = capsys.readouterr().out
    assert status == 1
    assert "Try: " in said
    assert not nuke_dir.exists()


def test_the_tag_is_the_one_that_the_plug_in_looks_for() -> None:
    source = (Path(nuke_folder.__file__).parents[1] / "plugin" / "init.py").read_text()
    names: dict[str, object] = {}
    tree = ast.parse(source)
    function = next(
        one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "_vendor_tag"
    )
    exec(
        compile(ast.Module([function], []), "init.py", "exec"),
        {"sys": sys, "platform": platform},
        names,
    )
    version = "{}.{}".format(*sys.version_info[:2])

    assert names["_vendor_tag"]() == NukePython(version, nuke_wheels.this_platform()).tag  # type: ignore[operator]
