"""``python3 installer demo | test | doctor | nuke``: sets up this checkout in its own environment, then runs.

The installer uses only the standard library, because it runs before anything is installed. ``interpreter``
finds a Python. ``plan`` says what a verb needs, and ``provision`` brings an ``environment`` to that state
with ``pip_run``; ``pip_failure`` explains what went wrong. ``command`` ties them together. ``nuke`` puts the
plug-in into Nuke's folder: ``nuke_wheels`` its packages, ``nuke_folder`` its files.
"""
