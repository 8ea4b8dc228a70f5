"""Removals at the server: handing jobs over, how they go, taking them up again."""
