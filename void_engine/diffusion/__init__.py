"""The VOID model (Netflix, video object and interaction deletion) on diffusers' own classes.

Importing this package costs nothing; the modules that need torch import it themselves.
"""
