"""An OpenFX host in Python over ctypes: obeys the standard, and writes down where a plug-in does not.

`Host(profile, binary)` loads a binary, drives its actions in the standard's order, and keeps a list of
faults: calls at times, from threads or with values that the standard or a known host does not take.
`profiles.py` has the habits of hosts. It needs Linux on x86-64, where ctypes can read C's variable arguments
by the System V calling convention.
"""
