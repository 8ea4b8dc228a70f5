"""The lines of README as a newcomer pastes them into a terminal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.integration.command_case import write_shot
from tests.integration.test_roto_command import script

av = pytest.importorskip("av")

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WIDTH, HEIGHT, FRAMES = 96, 64, 5
LONGEST_S = 240.0
"""How long the lines may take on a machine that others keep busy, in seconds."""


def blocks(heading: str) -> list[str]:
    """The shell blocks below a heading of README."""
    chapter = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)


def test_every_verb_of_the_installer_that_readme_names_is_there() -> None:
    verbs = set(re.findall(r"^python3 installer (\w+)", README, re.MULTILINE))
    assert {"demo", "test", "nuke"} <= verbs
    said = subprocess.run([sys.executable, "installer", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert [verb for verb in verbs if verb not in said.stdout] == []


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A checkout as set up: an environment to activate, a clip, its quadmask, mattes and a script."""
    commands = tmp_path / ".venv" / "bin"
    commands.mkdir(parents=True)
    void = commands / "void"
    void.write_text(f'#!/bin/sh\nexec {sys.executable} -m void_server "$@"\n')
    void.chmod(0o755)
    (commands / "activate").write_text(f'export PATH="{commands}:$PATH"\n')
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "server.toml").write_text('endpoint = "tcp://127.0.0.1:0"\n')

    rng = np.random.default_rng(5)
    ground = np.kron(rng.integers(40, 200, (HEIGHT // 8, WIDTH // 8 + FRAMES, 3)), np.ones((8, 8, 1)))
    levels = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    levels[24:40, 40:56] = 0
    pictures = [np.ascontiguousarray(ground[:, 4 * i : 4 * i + WIDTH], np.uint8) for i in range(FRAMES)]
    for picture in pictures:
        picture[24:40, 40:56] = 230
    write_movie(tmp_path / "clip.mp4", pictures)
    write_movie(tmp_path / "quadmask.mp4", [levels] * FRAMES)
    return tmp_path


def write_movie(path: Path, pictures: list[np.ndarray]) -> None:
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx264", rate=24, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in pictures:
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        movie.mux(stream.encode())


def pasted(lines: str, folder: Path) -> str:
    """Run lines as a terminal in ``folder`` does, and stop at the first that fails."""
    environment = os.environ | {
        "VOID_HOME": str(folder / "home"),
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("plugin", "server", "")),
    }
    said = folder / "said.txt"
    with said.open("w") as output:
        try:
            # A shell that shows its lines tells which one fails. A file takes the output, because a server
            # that holds a pipe open would be waited for.
            ran = subprocess.run(
                ["/bin/sh", "-exc", lines], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, timeout=LONGEST_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            pytest.fail(f"it takes too long:\n{said.read_text()[-3000:]}")
        finally:
            stop = [sys.executable, "-m", "void_server", "serve", "--stop"]
            subprocess.run(stop, env=environment, capture_output=True, check=False)
    assert ran.returncode == 0, said.read_text()[-3000:]
    return said.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="README's lines are for a shell of Unix")
def test_the_lines_of_your_own_shot_work_as_they_are_pasted(fresh: Path) -> None:
    first, second = blocks("Your own shot")[:2]
    said = pasted(first, fresh)
    assert "listening on" in said
    assert (fresh / "sheet.jpg").read_bytes().startswith(b"\xff\xd8")
    versions = {path.name.partition(".")[0] for path in (fresh / "clean").glob("*.exr")}
    assert len(versions) == 2  # Each of the two tries has a version of its own.
    assert len(list((fresh / "clean").glob("*v001*.exr"))) == FRAMES
    assert (fresh / "review" / "index.html").is_file()

    # The second block is for those who have mattes or a script.
    shutil.rmtree(fresh / "clean")
    for old in fresh.glob("plate.*.exr"):
        old.unlink()
    plate = write_shot(fresh / "shot")
    for number in (1001, 1002, 1003):
        for name in ("plate", "matte", "shadow"):
            shutil.copyfile(plate % number, fresh / f"{name}.{number}.exr")
    lines = second.replace(":A", ":matte.A")
    script(fresh, str(fresh / "plate.%04d.exr"))
    pasted(f". .venv/bin/activate\n{lines}", fresh)
    assert (fresh / "job2.json").is_file()
    assert (fresh / "job3.json").is_file()
