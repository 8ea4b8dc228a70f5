"""The rez package of VOID for Nuke: ``rez build --install`` in a folder with this file and the wheel.

One package holds the server with its Python environment, the ``void`` command and what Nuke loads, so that
releases lie side by side and a shot says which one it uses: ``rez env void_nuke-0.1 nuke-16``.
"""

name = "void_nuke"
version = "0.1.0"
description = "Removes an object from a shot together with everything it did to the scene."
tools = ["void"]
variants = [["platform-linux", "arch-x86_64", "python-3.11"]]
build_command = "bash {root}/rez_build.sh"


def commands() -> None:
    """Set what Nuke, OpenFX hosts and shells look for; ``env`` is rez's."""
    env.PATH.prepend("{root}/venv/bin")  # type: ignore[name-defined] # noqa: F821
    env.NUKE_PATH.append("{root}/nuke")  # type: ignore[name-defined] # noqa: F821
    env.OFX_PLUGIN_PATH.append("{root}/ofx")  # type: ignore[name-defined] # noqa: F821
