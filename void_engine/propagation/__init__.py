"""Removal from the plate's own pixels: register, match light, fuse, synthesise the rest.

docs/propagation.md explains the method, its limits and its figures. Importing this package costs nothing.
"""
