"""How the same steps are told to each kind of farm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from void_server.farm.bundle import Bundle


def _openjd(bundles: Sequence[Bundle], submit: bool) -> list[str]:
    from .openjd import write_openjd

    del submit  # there is nobody to hand it to: 'openjd run' and the dispatchers take the folder
    return [str(write_openjd(bundle)) for bundle in bundles]


def _deadline_cloud(bundles: Sequence[Bundle], submit: bool) -> list[str]:
    from .deadline_cloud import submit_bundle
    from .openjd import write_openjd

    lines = [str(write_openjd(bundle)) for bundle in bundles]
    return lines + [submit_bundle(bundle) for bundle in bundles] if submit else lines


def _opencue(bundles: Sequence[Bundle], submit: bool) -> list[str]:
    from .opencue import launch_outline, write_outline

    lines = [str(write_outline(bundle)) for bundle in bundles]
    return lines + [launch_outline(bundle) for bundle in bundles] if submit else lines


def _deadline10(bundles: Sequence[Bundle], submit: bool) -> list[str]:
    from .deadline10 import submit_files, write_submission

    lines = [str(write_submission(bundle)) for bundle in bundles]
    return lines + [submit_files(bundle) for bundle in bundles] if submit else lines


_TARGETS: Mapping[str, Callable[[Sequence[Bundle], bool], list[str]]] = {
    "openjd": _openjd,
    "deadline-cloud": _deadline_cloud,
    "opencue": _opencue,
    "deadline10": _deadline10,
}


def write_target(name: str, bundles: Sequence[Bundle], *, submit: bool) -> list[str]:
    """Write the target's own files into the bundles, and submit them if wanted; what was done, in lines.

    Raises:
        FarmError: when a package is not installed or the farm does not take it.
    """
    return _TARGETS[name](bundles, submit)
