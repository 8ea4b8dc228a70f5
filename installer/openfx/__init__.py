"""Builds the OpenFX plug-in and puts it where hosts look for it."""
