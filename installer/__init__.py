"""``python3 installer demo | test | doctor | nuke``: sets this checkout up in its own environment, then runs.

Standard library only, because it runs before anything is installed. ``interpreter`` finds a Python, ``plan``
says what a verb needs, ``provision`` brings an ``environment`` there with ``pip_run``, ``pip_failure``
explains what went wrong, ``command`` ties them together. ``nuke`` puts the plug-in into Nuke's folder:
``nuke_wheels`` its packages, ``nuke_folder`` its files.
"""
