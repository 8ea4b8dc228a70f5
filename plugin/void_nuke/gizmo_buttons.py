"""The actions of the buttons of ``VoidRemove``. Each gets its node, so nothing here imports the host's
module."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from void_nuke.errors import HostError, SelectionError
from void_nuke.export.pick import MatteChoice, RemovalPick
from void_nuke.host.host import FrameRange
from void_nuke.jobs.tracked_job import Phase, TrackedJob
from void_nuke.panel.job_text import phase_word, status_line
from void_nuke.panel.model import PanelModel
from void_nuke.panel.running import the_model
from void_nuke.panel.settings import PanelSettings
from void_protocol.job import PROXY_SCALES, Role
from void_protocol.phrases import sentence
from void_protocol.printable import printable_on_node

_MATTE_INPUTS: tuple[Role, ...] = ("remove", "affected")
INPUTS = ("plate", *_MATTE_INPUTS)
"""The names of the node's inputs, in their order."""
SCALES = {"1" if scale == 1 else f"1/{round(1 / scale)}": scale for scale in PROXY_SCALES}
"""The scales by the names that the knob ``scale`` gives them."""


class Knob(Protocol):
    """The part of Nuke's knob that this module uses."""

    def value(self) -> Any: ...

    def setValue(self, value: Any) -> Any: ...  # noqa: N802 - Nuke's name


class GizmoNode(Protocol):
    """The part of Nuke's node that this module uses."""

    def __getitem__(self, knob: str) -> Knob: ...

    def fullName(self) -> str: ...  # noqa: N802 - Nuke's name

    def input(self, number: int) -> GizmoNode | None: ...


def submit(node: GizmoNode, model: PanelModel | None = None) -> None:
    """Export and submit what is connected. Problems are shown in the node's status."""
    model = model or the_model()
    try:
        job = model.session.start(pick_of(node, model))
    except HostError as error:
        _say(node, str(error))
        return
    node["job_id"].setValue(job.job_id)
    _follow(node, job.job_id, model)
    show(node, job)


def cancel(node: GizmoNode, model: PanelModel | None = None) -> None:
    """Stop the node's removal."""
    model = model or the_model()
    job = _job_of(node, model)
    if job is not None:
        model.cancel(job.job_id)


def update(node: GizmoNode, model: PanelModel | None = None) -> None:
    """Show how far the node's removal is, also after the script was opened again."""
    model = model or the_model()
    job = _job_of(node, model)
    if job is not None:
        _follow(node, job.job_id, model)
        show(node, job)


def take_plate_range(node: GizmoNode, model: PanelModel | None = None) -> None:
    """Set the node's frames to those of the plate."""
    model = model or the_model()
    try:
        frames = model.host.plate(_plate_of(node)).frames
    except HostError as error:
        _say(node, str(error))
        return
    node["first_frame"].setValue(frames.first)
    node["last_frame"].setValue(frames.last)


def bake(node: GizmoNode, model: PanelModel | None = None) -> None:
    """Replace the gizmo by a Group, which renders on machines without the plug-in."""
    model = model or the_model()
    name, host = node.fullName(), model.host

    def replace() -> None:
        try:
            host.bake_gizmo(name)
        except HostError as error:
            _say(node, str(error))

    # The button belongs to the node that goes, so it goes only after the button's script has ended.
    host.post(replace)


def pick_of(node: GizmoNode, model: PanelModel) -> RemovalPick:
    """Make a pick of the node's inputs and knobs.

    Raises:
        SelectionError: when something is missing; the message says what, and what to do.
    """
    plate = _plate_of(node)
    first, last = int(node["first_frame"].value()), int(node["last_frame"].value())
    if last < first:
        raise SelectionError(f"the frames {first} to {last} run backwards; swap them")
    mattes = tuple(
        MatteChoice(role=role, node=source.fullName())
        for number, role in enumerate(_MATTE_INPUTS, start=1)
        if (source := node.input(number)) is not None
    )
    name = node.fullName().rpartition(".")[2]
    output = str(node["result_pattern"].value()) or model.proposed_output(name)
    if not output:
        raise SelectionError("the script was never saved; save it, or fill in 'Result to'")
    info = model.host.plate(plate)
    pick = RemovalPick(
        plate=plate,
        frames=FrameRange(first, last),
        output_pattern=output,
        mattes=mattes,
        settings=_settings_of(node).job_settings(model.engines),
        view=info.views[0],
        compare=False,
        # The node's own Read is raw, so its files have to be in the working space.
        render_plate=info.files is not None and not info.files.is_working_space,
    )
    pick.check()
    return pick


def show(node: GizmoNode, job: TrackedJob) -> None:
    """Show in the node how far a removal is. When it has finished, the node shows its result."""
    _say(node, f"{phase_word(job)}: {status_line(job)}")
    # The inner Read's path is evaluated by TCL, which eats backslashes.
    files = job.result_pattern.replace("\\", "/")
    if job.phase is Phase.DONE and node["result_file"].value() != files:
        node["result_file"].setValue(files)
        node["result_first"].setValue(job.frames.first)
        node["result_last"].setValue(job.frames.last)
        node["result_scale"].setValue(job.proxy_scale)
        node["output"].setValue("result")


def _settings_of(node: GizmoNode) -> PanelSettings:
    quality = str(node["quality"].value())
    return dataclasses.replace(
        PanelSettings(),
        prompt=str(node["prompt"].value()),
        engine=str(node["engine"].value()),
        quality=quality,
        proxy_scale=SCALES[str(node["scale"].value())],
        seed=int(node["seed"].value()),
        growth_auto=False,
        growth_px=float(node["growth_px"].value()),
        softness_px=float(node["softness_px"].value()),
    )


def _plate_of(node: GizmoNode) -> str:
    plate = node.input(0)
    if plate is None:
        raise SelectionError("no plate is connected; connect it to the input 'plate'")
    return plate.fullName()


def _job_of(node: GizmoNode, model: PanelModel) -> TrackedJob | None:
    job_id = str(node["job_id"].value())
    try:
        return model.session.job(job_id)
    except KeyError:
        _say(node, "not submitted from this script; press Submit")
        return None


def _follow(node: GizmoNode, job_id: str, model: PanelModel) -> None:
    nodes = _FOLLOWERS.get(model)
    if nodes is None:
        nodes = _FOLLOWERS[model] = {}
        model.job_changed.connect(partial(_changed, nodes))
    nodes[job_id] = node


def _changed(nodes: dict[str, GizmoNode], job: TrackedJob) -> None:
    node = nodes.get(job.job_id)
    if node is None:
        return
    try:
        is_same = node["job_id"].value() == job.job_id
    except (ValueError, NameError):  # Nuke raises these for a node that was deleted
        is_same = False
    if is_same:
        show(node, job)
    else:
        del nodes[job.job_id]


_FOLLOWERS: WeakKeyDictionary[PanelModel, dict[str, GizmoNode]] = WeakKeyDictionary()
"""For each model, the node that shows each job."""


def _say(node: GizmoNode, text: str) -> None:
    node["status"].setValue(printable_on_node(sentence(text)))
