"""Runs the ``void`` command as ``python -m void_server``, where the command itself is not on the PATH."""

from void_server.cli.app import main

if __name__ == "__main__":
    main()
