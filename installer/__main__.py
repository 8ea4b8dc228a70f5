"""The entry point. This module and ``interpreter`` keep to the syntax of Python 3.6, so that an old Python
prints a sentence and not a traceback. Everything else is imported only after the version is known to fit.
"""

import sys
from pathlib import Path

# `python3 installer` puts this folder first on the path, where its modules could hide others of the same
# name.
_FOLDER = Path(__file__).resolve().parent
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _FOLDER]
sys.path.insert(0, str(_FOLDER.parent))

from installer import interpreter  # noqa: E402 - this import needs the path that was set above


def main() -> int:
    """Hand over to a supported Python where this one is not, and run the installer."""
    if not interpreter.is_supported(sys.version_info[:2]):
        return interpreter.hand_over(_FOLDER, sys.argv[1:])
    from installer import command

    return command.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
