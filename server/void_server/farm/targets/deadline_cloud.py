"""AWS Deadline Cloud: the Open Job Description bundle, which the package ``deadline`` checks and submits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from void_server.farm.bundle import Bundle
from void_server.farm.errors import FarmError
from void_server.farm.targets.openjd import write_openjd

SUBMITTER = "void-nuke"
WORDS = ("priority", "retries", "limits", "machine_limit")


def write(bundle: Bundle) -> Path:
    """Write the bundle, let the ``deadline`` package read it, and return the template's path."""
    order = bundle.order
    said = {
        "deadline:priority": order.priority,
        "deadline:maxRetriesPerTask": order.retries,
        "deadline:maxWorkerCount": order.machine_limit,
    }
    path = write_openjd(bundle, {name: value for name, value in said.items() if value is not None})
    _needed()
    read_back(bundle.folder)
    return path


def read_back(folder: Path) -> tuple[list[Any], Any]:
    """Return a bundle's parameters and asset references as the ``deadline`` package reads them, without
    network.

    Raises:
        FarmError: when the package does not accept them.
    """
    _needed()
    from deadline.client.exceptions import DeadlineOperationError
    from deadline.client.job_bundle.loader import read_yaml_or_json_object
    from deadline.client.job_bundle.parameters import read_job_bundle_parameters
    from deadline.client.job_bundle.submission import AssetReferences

    try:
        parameters = read_job_bundle_parameters(str(folder))
        references = read_yaml_or_json_object(str(folder), "asset_references", required=True)
    except DeadlineOperationError as error:
        raise FarmError(f"the deadline package does not take {folder}: {error}") from error
    return list(parameters), AssetReferences.from_dict(references)


def obstacle() -> str:
    """Return why nothing can be submitted from here; empty when it can."""
    _needed()
    from deadline.client.config import get_setting

    for setting in ("farm_id", "queue_id"):
        if not get_setting(f"defaults.{setting}"):
            return f"no Deadline Cloud {setting} is set here; run 'deadline config set defaults.{setting} ID'"
    return ""


def submit(bundle: Bundle) -> str:
    """Upload what the bundle refers to, in the way that the queue is set up, and create the job.

    Raises:
        FarmError: when the service cannot be reached or refuses.
    """
    import botocore.exceptions  # type: ignore[import-untyped]
    from deadline.client.api import create_job_from_job_bundle
    from deadline.client.exceptions import DeadlineOperationError

    try:
        job_id = create_job_from_job_bundle(
            str(bundle.folder),
            name=f"VOID {bundle.name}",
            submitter_name=SUBMITTER,
            known_asset_paths=_known(bundle),
            interactive_confirmation_callback=lambda message, default: default,
        )
    except (DeadlineOperationError, botocore.exceptions.BotoCoreError) as error:
        raise FarmError(f"Deadline Cloud did not take {bundle.name}: {error}") from error
    except botocore.exceptions.ClientError as error:
        raise FarmError(f"Deadline Cloud refuses {bundle.name}: {error}") from error
    return f"{bundle.name}: Deadline Cloud job {job_id}"


def _known(bundle: Bundle) -> list[str]:
    """Return where the jobs read and write. The submitter has named these places, so nobody has to be
    asked."""
    folders = {str(Path(path).parent) for path in bundle.assets.files}
    return sorted(folders | set(bundle.assets.folders) | set(bundle.assets.outputs))


def _needed() -> None:
    try:
        import deadline.client.job_bundle  # noqa: F401
    except ModuleNotFoundError as error:
        raise FarmError(
            "Deadline Cloud needs the package 'deadline'; install the extra 'deadline-cloud'"
        ) from error
