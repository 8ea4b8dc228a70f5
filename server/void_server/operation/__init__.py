"""Starts a server, here or as a child process, and installs it as a service."""
