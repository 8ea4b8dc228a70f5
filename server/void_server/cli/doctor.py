"""``void doctor``: tells what this machine can and cannot do, with one line for each finding.

Every package is imported where it is checked: one that is missing or broken is a finding, not a traceback.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from void_server.cli.exit_codes import ExitCode
from void_server.cli.terminal import Terminal

if TYPE_CHECKING:
    from void_engine.plates.frame.frame import Frame
    from void_protocol.job import RemovalJob

console = Terminal(soft_wrap=True)

_GIB = 1024**3
_JOB_ROOM_GIB = 5
"""The space under the home folder, in GiB, for streamed plates and results of a few shots. With less, the
doctor warns."""
_SET_UP_AGAIN = "run 'python3 installer doctor' in the checkout"
# For each package: the module to import, and the distribution that tells its version.
_PACKAGES = {
    "numpy": "numpy",
    "OpenImageIO": "OpenImageIO",
    "PyOpenColorIO": "opencolorio",
    "cv2": "opencv-python-headless",
    "pyclipper": "pyclipper",
    "threadpoolctl": "threadpoolctl",
    "zmq": "pyzmq",
    "msgspec": "msgspec",
}
_ROUND_TRIP_S = 120.0
_ROUND_TRIP_FRAMES = (1001, 1002)


@dataclass(frozen=True, slots=True)
class Check:
    """The finding of one check."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    """What to do. When ``ok`` is true, this is only advice."""


def run_checks() -> Iterator[Check]:
    """Yield every finding as it is made. A check that breaks becomes a finding and hides no other."""
    for name, check, remedy in _CHECKS:
        yield _attempt(name, check, remedy)


def doctor() -> None:
    """Check this machine: packages, disk, device, models, EXR, and a job through a real server."""
    # A Windows console or pipe may not be able to print these characters.
    good, bad, arrow = ("✓", "✗", "→") if console.encoding.startswith("utf") else ("ok", "!!", "->")
    all_ok = True
    for check in run_checks():
        all_ok &= check.ok
        line = Text("  ").append(good if check.ok else bad, "green" if check.ok else "red")
        line.append(f" {check.name}: {check.detail}")
        if check.remedy:
            line.append(f" {arrow}", "yellow").append(f" {check.remedy}")
        console.print(line)
    if not all_ok:
        raise typer.Exit(ExitCode.FAILED)


def check_packages() -> Check:
    """Check that the packages that server and engine are built on can be imported."""
    broken = [trouble for trouble in map(_import_trouble, _PACKAGES) if trouble]
    if broken:
        return Check("Packages", False, f"cannot be loaded: {'; '.join(broken)}", _SET_UP_AGAIN)
    return Check("Packages", True, ", ".join(f"{name} {version(name)}" for name in _PACKAGES.values()))


def check_home() -> Check:
    """Check that keys, job store and spooled files have a place with enough space."""
    from void_protocol.keys import HOME_VARIABLE, home_folder

    home = home_folder()
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        remedy = f"make it writable, or set {HOME_VARIABLE} to another folder"
        return Check("Home", False, f"{home} cannot be written to", remedy)
    free_gib = shutil.disk_usage(nearest).free / _GIB
    remedy = f"make room for plates and results, or set {HOME_VARIABLE}" if free_gib < _JOB_ROOM_GIB else ""
    return Check("Home", free_gib >= _JOB_ROOM_GIB, f"{home}, {free_gib:.0f} GiB free", remedy)


def check_device() -> Check:
    """Check what the models would run on. A machine without a GPU passes: some engines need none."""
    from void_engine.engines.registry import engines

    cores = f"CPU with {os.cpu_count()} cores"
    try:
        import torch
    except ImportError:
        card = _nvidia_card()
        if card:
            advice = "install the extra 'diffusion' to run VOID's models on it"
            return Check("Device", True, f"{card}; PyTorch is not installed", advice)
        needs_none = [info.name for info in engines().values() if not info.needs.gpus and info.is_for_artists]
        say = f"{', '.join(needs_none)} {'engine needs' if len(needs_none) == 1 else 'engines need'} no more"
        return Check("Device", True, f"{cores}; the {say}")
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        memory = f"{properties.total_memory / _GIB:.0f} GiB"
        return Check("Device", True, f"{properties.name}, {memory}, PyTorch {torch.__version__}")
    if torch.backends.mps.is_available():
        return Check("Device", True, f"Apple GPU, PyTorch {torch.__version__}")
    card = _nvidia_card()
    if card:
        advice = "install a PyTorch built for CUDA, and a driver that fits it"
        return Check("Device", True, f"{card}, but PyTorch {torch.__version__} cannot use it", advice)
    return Check("Device", True, f"{cores}, PyTorch {torch.__version__}; no card, so VOID's models are slow")


def check_engines() -> Check:
    """Check which engines there are. One that cannot be used here is told and no fault, as long as another
    can."""
    from void_engine.engines.registry import engines

    problems = {info.name: info.problem() for info in engines().values()}
    usable = [name for name, problem in problems.items() if not problem]
    if not usable:
        return Check("Engines", False, "none can be used", _SET_UP_AGAIN)
    lacking = "; ".join(f"{name}: {problem}" for name, problem in problems.items() if problem)
    return Check("Engines", True, ", ".join(usable), lacking)


def check_models() -> Check:
    """Check VOID's models. A machine without any passes; a folder with gaps does not."""
    from void_engine.diffusion.model.folder import MODELS_VARIABLE
    from void_engine.engines.registry import best_engine_here

    if not os.environ.get(MODELS_VARIABLE):
        advice = (
            f"'void models fetch DIR' tells their licences and brings them; then set {MODELS_VARIABLE}=DIR"
        )
        return Check("Models", True, f"none; the {best_engine_here()} engine will be used", advice)
    from void_engine.diffusion.errors import ModelFolderError
    from void_engine.diffusion.model.folder import find_models

    try:
        folder = find_models()
        folder.require(1)
    except ModelFolderError as error:
        return Check("Models", False, str(error), f"or unset {MODELS_VARIABLE} to work without models")
    if not folder.pass_weights(2).is_file():
        return Check("Models", True, f"{folder.root}, pass 1 only", "'void models fetch' brings pass 2 too")
    return Check("Models", True, f"{folder.root}, both passes")


def check_exr() -> Check:
    """Check that a half-float EXR comes back from the disk bit for bit."""
    from void_engine.plates.exr.file import read_frame, write_frame

    written = _test_frame(_ROUND_TRIP_FRAMES[0])
    with tempfile.TemporaryDirectory(prefix="void-doctor-") as folder:
        path = Path(folder) / "doctor.1001.exr"
        write_frame(written, path)
        read = read_frame(path, written.number)
    if not _is_same(written, read):
        return Check("EXR", False, "a half-float EXR came back changed", _SET_UP_AGAIN)
    return Check("EXR", True, "half float written and read back, bit-exact, with values from -0.5 to 20")


def check_server() -> Check:
    """Check that a job passes through a real server, which is started for it with keys of its own and then
    ended."""
    from void_engine.plates.exr.file import read_frame
    from void_engine.plates.sequence.pattern import FramePattern
    from void_protocol.client import Client
    from void_server.operation.server_process import ServerProcess
    from void_server.settings import ServerSettings

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="void-doctor-") as folder:
        job = _test_job(Path(folder))
        server = ServerProcess(ServerSettings(home=Path(folder) / "home", endpoint="tcp://127.0.0.1:0"))
        with server, Client(server.connection(), name="doctor") as client:
            info = client.submit(job, transfer="streamed").done.result(_ROUND_TRIP_S)
        if info.state != "done":
            return Check("Server", False, f"the job ended as {info.state}: {info.message}", _SET_UP_AGAIN)
        result = FramePattern.parse(job.output.versioned_pattern)
        same = all(
            _is_same(_test_frame(number), read_frame(result.path(number), number))
            for number in job.shot.frame_numbers
        )
    seconds = time.monotonic() - started
    if not same:
        return Check("Server", False, "the frames came back changed", _SET_UP_AGAIN)
    frames = len(_ROUND_TRIP_FRAMES)
    return Check("Server", True, f"{frames} frames over ZeroMQ and back in {seconds:.1f} s, bit-exact")


_CHECKS: tuple[tuple[str, Callable[[], Check], str], ...] = (
    ("Packages", check_packages, _SET_UP_AGAIN),
    ("Home", check_home, "set VOID_HOME to a folder that you may write to"),
    ("Device", check_device, f"PyTorch is damaged or does not fit this machine: {_SET_UP_AGAIN}"),
    ("Engines", check_engines, _SET_UP_AGAIN),
    ("Models", check_models, "check the folder that VOID_MODELS names"),
    ("EXR", check_exr, "check that the folder for temporary files has room and may be written to"),
    ("Server", check_server, "see that no firewall closes 127.0.0.1 to programs of this machine"),
)
"""The checks in their order, and what to try when the check itself breaks."""


def _attempt(name: str, check: Callable[[], Check], remedy: str) -> Check:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a check that breaks is a finding, and the others still run
        reason = " ".join(str(error).split()) or type(error).__name__
        return Check(name, False, reason, remedy)


def _import_trouble(module: str) -> str:
    """Return why ``module`` cannot be imported; empty when it can."""
    try:
        import_module(module)
    except Exception as error:  # noqa: BLE001 - a damaged package may raise anything
        return f"{module} ({error})"
    return ""


def _test_frame(number: int) -> Frame:
    """Make a small plate with what careless software loses: highlights, negatives, a window beyond the
    format."""
    import numpy as np

    from void_engine.geometry import Box
    from void_engine.plates.frame.frame import Frame

    window = Box(-4, -2, 68, 38)
    ramp = np.linspace(-0.5, 20.0, window.width * window.height * 3, dtype=np.float32) + number / 1000
    pixels = ramp.reshape(*window.shape, 3).astype(np.float16)
    return Frame.from_pixels(number, ("R", "G", "B"), pixels, display_size=(64, 36), data_window=window)


def _test_job(folder: Path) -> RemovalJob:
    """Make a job of the identity engine on test frames in ``folder``, with a matte over the whole format."""
    import numpy as np

    from void_engine.plates.exr.file import write_frame
    from void_engine.plates.frame.frame import Frame
    from void_engine.plates.sequence.pattern import FramePattern
    from void_protocol.job import Format, Matte, Output, RemovalJob, Settings, Shot

    plate, matte = str(folder / "plate.%04d.exr"), str(folder / "matte.%04d.exr")
    for number in _ROUND_TRIP_FRAMES:
        write_frame(_test_frame(number), FramePattern.parse(plate).path(number))
        whole = Frame.from_pixels(number, ("A",), np.ones((36, 64, 1), np.float16))
        write_frame(whole, FramePattern.parse(matte).path(number))
    return RemovalJob(
        shot=Shot(
            name="doctor",
            plate=plate,
            first_frame=_ROUND_TRIP_FRAMES[0],
            last_frame=_ROUND_TRIP_FRAMES[-1],
            format=Format(width=64, height=36),
        ),
        mattes=[Matte(role="remove", pattern=matte)],
        settings=Settings(engine="identity", match_seam=False),
        output=Output(pattern=str(folder / "result" / "clean.%04d.exr"), layers=[]),
    )


def _is_same(one: Frame, other: Frame) -> bool:
    """Return whether RGB and the windows of two frames agree, the pixels bit by bit."""
    import numpy as np

    return (
        one.data_window == other.data_window
        and one.display_window == other.display_window
        and all(np.array_equal(one.native(name), other.native(name)) for name in ("R", "G", "B"))
        and other.native("R").dtype == np.float16
    )


def _nvidia_card() -> str:
    """Return the name of the first NVIDIA GPU as its driver tells it; empty where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.partition("\n")[0].strip()


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    app.command()(doctor)
