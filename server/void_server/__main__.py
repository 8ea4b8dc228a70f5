"""``python -m void_server``: the ``void`` command without an entry point on the PATH."""

from void_server.cli.app import main

if __name__ == "__main__":
    main()
