"""``python3 installer demo | test | doctor``: sets this checkout up in an environment of its own, then runs.

Standard library only, because it runs before anything is installed. ``interpreter`` finds a Python, ``plan``
says what a verb needs, ``provision`` brings an ``environment`` there with ``pip_run``, ``pip_failure``
explains what went wrong, ``command`` ties them together.
"""
