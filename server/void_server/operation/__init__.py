"""Starting, installing, logging and cleaning a server."""
