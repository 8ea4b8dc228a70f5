"""Gives a task the variables that its submitter had, however its dispatcher treats variables.

A task that quietly took another colour configuration than the submitter's would make another picture. So the
plan carries the variables, every step sets them itself, with the paths of its own machine, and a colour
configuration that is not there is an error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from void_server.farm.errors import FarmError
from void_server.farm.path_mapping import MAPPING_VARIABLE, PathRules, mapped

OCIO_VARIABLE = "OCIO"
BUILT_IN = "ocio://"
"""How the names of OCIO's own configurations begin, which are in the library and need no file."""


def settle_environment(variables: Mapping[str, str], rules: PathRules) -> None:
    """Set the submitter's variables in this process, for it and for those that it starts.

    Args:
        variables: the values on the submitter's machine.
        rules: how its paths are called on this one.

    Raises:
        FarmError: when the colour configuration is not on this machine.
    """
    for name, value in variables.items():
        here = value if value.startswith(BUILT_IN) else mapped(value, rules)
        if name == OCIO_VARIABLE and not here.startswith(BUILT_IN) and not Path(here).is_file():
            raise FarmError(
                f"the colour configuration {here}, with which this was submitted (OCIO={value}), is not on "
                "this machine; give it the studio's storage, map the path with --path-mapping or "
                f"{MAPPING_VARIABLE}, or bundle again with --ocio"
            )
        os.environ[name] = here
