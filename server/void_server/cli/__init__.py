"""The ``void`` command: one module for each family of commands."""
