"""The panel's state and decisions, without its widgets. :mod:`void_nuke.ui` draws them."""
