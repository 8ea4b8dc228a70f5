"""The ``void`` command, with one module for each family of commands."""
