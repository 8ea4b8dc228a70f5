"""The panel without its widgets: what it knows and decides. :mod:`void_nuke.ui` draws it."""
