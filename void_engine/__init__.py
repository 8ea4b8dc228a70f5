"""The engine of VOID for Nuke: scene-linear plates and mattes go in, a clean plate comes out.

It reads and writes files and runs the removal engines; it knows no socket, no job queue and no host program.
"""
