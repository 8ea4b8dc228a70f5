"""``installer openfx`` from its command line, with a compiler that writes down what it is asked for."""

from __future__ import annotations

import io
import plistlib
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from installer import command, provision
from installer.console import Console
from installer.errors import SetupError
from installer.openfx import bundle, places, verb
from installer.openfx.compilers import Compiler
from installer.openfx.targets import TARGETS, Target, these_targets
from installer.plan import ZIG
from installer.project import Project

ZIG_COMPILER = Compiler(("python", "-m", "ziglang", "c++"), is_zig=True)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, bool]]:
    """What was compiled: targets, and whether with Zig. No host's cache of this machine is touched."""
    done = []

    def build(
        _root: Path, compiler: Compiler, target: Target, out: Path, version: str, _more: Sequence[str] = ()
    ) -> None:
        done.append((target.name, compiler.is_zig))
        out.parent.mkdir(parents=True, exist_ok=True)
        kind = 0x0100000C if target.name.endswith("arm64") else 0x01000007
        out.write_bytes(struct.pack("<III", 0xFEEDFACF, kind, 0) + f"{target.name} {version}".encode())

    monkeypatch.setattr(verb, "build", build)
    monkeypatch.setattr(verb, "system_compiler", lambda: Compiler(("c++",)))
    monkeypatch.setattr(verb, "zig_compiler", lambda _python: ZIG_COMPILER)
    monkeypatch.setattr(places, "host_caches", list)
    return done


def run(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    said = io.StringIO()
    status = verb.run(tmp_path / "environment", Project(), Console(said), arguments)
    return status, said.getvalue()


def install(tmp_path: Path, *arguments: str) -> tuple[Path, str]:
    plugins = tmp_path / "some where" / "Plugins"
    python = ("--python", "/opt/void/bin/python") if "--python" not in arguments else ()
    status, said = run(tmp_path, "--plugin-path", str(plugins), *python, *arguments)
    assert status == 0, said
    return plugins / bundle.FOLDER, said


def test_the_bundle_is_installed_with_the_bridges_python(
    tmp_path: Path, built: list[tuple[str, bool]]
) -> None:
    ours, said = install(tmp_path)

    assert built == [(these_targets()[0].name, False)]
    binary = bundle.binary_of(ours, these_targets()[0])
    assert binary.name == "VoidRemove.ofx"
    assert binary.is_file()
    note = bundle.read_note(ours)
    assert note is not None
    assert list(note.pythons.values()) == ["/opt/void/bin/python"]
    assert note.made_folder
    assert "OFX_PLUGIN_PATH" in said
    properties = plistlib.loads((ours / "Contents" / "Info.plist").read_bytes())
    assert properties["CFBundleExecutable"] == binary.name
    assert (ours / "Contents" / "Resources" / f"{properties['CFBundleIdentifier']}.png").is_file()


def test_installing_again_replaces_and_uninstalling_leaves_nothing(
    tmp_path: Path, built: list[tuple[str, bool]]
) -> None:
    ours, _ = install(tmp_path)
    (ours / "Contents" / "Resources" / "old").touch()
    install(tmp_path, "--python", "/other/python")

    assert not (ours / "Contents" / "Resources" / "old").exists()
    assert "/other/python" in (ours / "Contents" / "Resources" / "bridge.txt").read_text()
    assert [path.name for path in ours.parent.iterdir()] == [bundle.FOLDER]
    status, said = run(tmp_path, "--plugin-path", str(ours.parent), "--uninstall")
    assert (status, ours.parent.exists()) == (0, False)
    assert "is removed" in said
    assert "nothing to do" in run(tmp_path, "--plugin-path", str(ours.parent), "--uninstall")[1]


def test_a_folder_that_others_use_stays(tmp_path: Path, built: list[tuple[str, bool]]) -> None:
    plugins = tmp_path / "some where" / "Plugins"
    (plugins / "Other.ofx.bundle").mkdir(parents=True)
    ours, _ = install(tmp_path)

    run(tmp_path, "--plugin-path", str(plugins), "--uninstall")

    assert not ours.exists()
    assert (plugins / "Other.ofx.bundle").is_dir()


def test_a_bundle_of_somebody_else_is_left_alone(tmp_path: Path, built: list[tuple[str, bool]]) -> None:
    theirs = tmp_path / "some where" / "Plugins" / bundle.FOLDER / "Contents"
    theirs.mkdir(parents=True)

    with pytest.raises(SetupError, match="was not made by this installer"):
        install(tmp_path)
    with pytest.raises(SetupError, match="was not made by this installer"):
        run(tmp_path, "--plugin-path", str(theirs.parent.parent), "--uninstall")
    with pytest.raises(SetupError, match="was not made by this installer"):
        run(tmp_path, "--bundle", str(theirs.parent.parent))
    assert list(theirs.parent.parent.iterdir()) == [theirs.parent]


def test_a_shared_folder_keeps_the_other_systems(tmp_path: Path, built: list[tuple[str, bool]]) -> None:
    ours, _ = install(tmp_path)
    other = next(target for target in TARGETS if target.system != these_targets()[0].system)
    place = bundle.binary_of(ours, other)
    place.parent.mkdir()
    place.write_text("theirs")
    note = bundle.read_note(ours)
    assert note is not None
    bundle.write_note(ours, bundle.Note(note.version, {**note.pythons, other.system: "P:/python.exe"}))

    install(tmp_path)

    assert place.read_text() == "theirs"
    assert bundle.read_note(ours).pythons[other.system] == "P:/python.exe"  # type: ignore[union-attr]


def test_binaries_of_another_version_do_not_stay(tmp_path: Path, built: list[tuple[str, bool]]) -> None:
    ours, _ = install(tmp_path)
    other = next(target for target in TARGETS if target.folder != these_targets()[0].folder)
    bundle.binary_of(ours, other).parent.mkdir()
    bundle.binary_of(ours, other).write_text("old")
    bundle.write_note(ours, bundle.Note("0.0.1"))

    install(tmp_path)

    assert not bundle.binary_of(ours, other).exists()


def test_one_bundle_for_all_platforms(tmp_path: Path, built: list[tuple[str, bool]]) -> None:
    status, said = run(tmp_path, "--bundle", str(tmp_path / "out"), "--all-platforms")

    assert status == 0
    assert sorted(name for name, _ in built) == sorted(target.name for target in TARGETS)
    own = these_targets()[0].name
    assert {name for name, zig in built if not zig} == {own}
    ours = tmp_path / "out" / bundle.FOLDER
    binaries = {bundle.binary_of(ours, target).relative_to(ours).as_posix() for target in TARGETS}
    assert {path.relative_to(ours).as_posix() for path in ours.rglob(bundle.BINARY)} == binaries
    assert {path.split("/")[1] for path in binaries} == {"Linux-x86-64", "Linux-aarch64", "Win64", "MacOS"}
    universal = (ours / "Contents" / "MacOS" / "VoidRemove.ofx").read_bytes()
    magic, count = struct.unpack_from(">II", universal)
    assert (magic, count) == (0xCAFEBABE, 2)
    assert [path.name for path in (ours / "Contents" / "MacOS").iterdir()] == ["VoidRemove.ofx"]
    assert "VOID_OPENFX_PYTHON" in said


def test_a_bundle_that_cannot_be_copied_leaves_the_one_before(
    tmp_path: Path, built: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, "--bundle", str(tmp_path / "out"))
    ours = tmp_path / "out" / bundle.FOLDER
    before = sorted(ours.rglob("*"))

    def half_a_copy(_source: Path, target: Path) -> None:
        target.mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(verb.shutil, "copytree", half_a_copy)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, "--bundle", str(tmp_path / "out"))

    assert sorted(ours.rglob("*")) == before
    assert list(ours.parent.iterdir()) == [ours]


def test_zig_is_taken_where_there_is_no_compiler_or_it_is_asked_for(
    tmp_path: Path, built: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, "--bundle", str(tmp_path / "out"), "--zig")
    monkeypatch.setattr(verb, "system_compiler", lambda: None)
    run(tmp_path, "--bundle", str(tmp_path / "out"))

    assert [zig for _, zig in built] == [True, True]


def test_zig_is_installed_where_nothing_compiles(
    tmp_path: Path, built: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    provided: list[object] = []
    monkeypatch.setattr(verb, "system_compiler", lambda: None)
    monkeypatch.setattr(verb, "zig_compiler", lambda _python: ZIG_COMPILER if provided else None)
    monkeypatch.setattr(provision, "provide_steps", lambda steps, *_args, **_more: provided.extend(steps))

    run(tmp_path, "--bundle", str(tmp_path / "out"))

    assert provided == [ZIG]
    assert [zig for _, zig in built] == [True]


def test_a_wheelhouse_serves_a_machine_without_network_and_compiler(
    tmp_path: Path, built: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = tmp_path / "house"
    monkeypatch.setattr(provision, "fetch_server", lambda *_args: None)
    status, said = run(tmp_path, "--fill", "--wheelhouse", str(house))
    assert status == 0
    assert f"--wheelhouse {house}" in said
    (house / "server").mkdir()
    (house / "server" / "some.whl").touch()
    built.clear()
    provided = []
    monkeypatch.setattr(
        provision, "provide", lambda *args, **more: provided.append((args[0], more["wheels"]))
    )

    plugins = tmp_path / "Plugins"
    status, said = run(tmp_path, "--wheelhouse", str(house), "--plugin-path", str(plugins))

    assert status == 0, said
    assert built == []
    assert provided == [("openfx", house / "server")]
    assert bundle.binary_of(plugins / bundle.FOLDER, these_targets()[0]).is_file()
    note = bundle.read_note(plugins / bundle.FOLDER)
    assert note is not None
    assert str(tmp_path / "environment") in next(iter(note.pythons.values()))


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_built(
    tmp_path: Path, built: list[tuple[str, bool]]
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SetupError, match="cannot be written to") as error:
        run(tmp_path, "--plugin-path", str(tmp_path / "file" / "Plugins"))

    assert built == []
    assert "--plugin-path" in error.value.remedy


@pytest.mark.parametrize(
    "arguments", [("--fill",), ("--all-platforms",), ("--bundle",), ("--plugin-path", "x", "--nonsense")]
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, *arguments)
    assert ended.value.code == 2


def test_the_command_has_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["openfx", "--help"])
    assert "--plugin-path" in capsys.readouterr().out
