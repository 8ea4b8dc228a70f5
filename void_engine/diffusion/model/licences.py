"""The licences of the model files, and where to read them. What they allow is for the reader to judge.

The one owner of these facts: ``void models fetch`` and ``void models licences`` print them, and
docs/engine.md repeats them, which a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass

from void_engine.diffusion.model.folder import BASE_NAME, BASE_REPOSITORY, VOID_REPOSITORY

_COGVIDEOX = f"https://huggingface.co/{BASE_REPOSITORY}/blob/main/LICENSE"


@dataclass(frozen=True, slots=True)
class ModelLicence:
    """The licence of some files of the model folder."""

    files: str
    """The files or folders, relative to the model folder."""
    origin: str
    """The repository that they come from."""
    licence: str
    read_at: tuple[str, ...]
    """Addresses of its text."""
    remark: str
    """What a studio must know about it; no advice."""


LICENCES: tuple[ModelLicence, ...] = (
    ModelLicence(
        "void_pass1.safetensors, void_pass2.safetensors",
        VOID_REPOSITORY,
        "Apache-2.0, says their repository",
        (
            "https://github.com/Netflix/void-model/blob/main/LICENSE",
            f"https://huggingface.co/{VOID_REPOSITORY}",
        ),
        f"They are a fine-tune of {BASE_NAME}, whose weights are under the CogVideoX License (below). "
        "Whether its terms hold for them too is not said there.",
    ),
    ModelLicence(
        f"{BASE_NAME}/vae, {BASE_NAME}/transformer/config.json, {BASE_NAME}/scheduler",
        BASE_REPOSITORY,
        "CogVideoX License",
        (_COGVIDEOX, "https://github.com/THUDM/CogVideo/blob/main/MODEL_LICENSE"),
        "Academic research is free. Commercial use needs a registration "
        "(https://open.bigmodel.cn/mla/form), and the basic licence that it gives is limited to a million "
        "visits of service users a month. Whether a studio's comp is a service in that sense is for the "
        "studio to judge. There are other restrictions.",
    ),
    ModelLicence(
        f"{BASE_NAME}/text_encoder, {BASE_NAME}/tokenizer",
        BASE_REPOSITORY,
        "CogVideoX License, as all that its repository holds",
        (_COGVIDEOX, "https://huggingface.co/google/t5-v1_1-xxl"),
        "They are the encoder of T5 v1.1 XXL (google/t5-v1_1-xxl), which its authors give under Apache-2.0.",
    ),
    ModelLicence(
        "raft/raft.onnx",
        "opencv/opencv_zoo, copied by hand if at all",
        "BSD-3-Clause (RAFT), MIT (its conversion to ONNX)",
        ("https://github.com/opencv/opencv_zoo/tree/main/models/optical_flow_estimation_raft",),
        "Only where warped noise follows RAFT; another file has the licence of its own origin.",
    ),
)

OWN_DECISION = (
    "Read the licences before you use the models: texts on the hubs may change, and what they mean for your "
    "work is your decision. This is no legal advice."
)


def licence_lines() -> list[str]:
    """What is said of the licences on a terminal, a line or more for each file."""
    lines = []
    for one in LICENCES:
        lines.append(f"{one.files} ({one.origin})")
        lines.append(f"    {one.licence}: {' and '.join(one.read_at)}")
        lines.append(f"    {one.remark}")
    return [*lines, OWN_DECISION]
