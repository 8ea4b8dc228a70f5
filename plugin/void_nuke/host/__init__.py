"""What the plug-in asks of Nuke. Only :mod:`void_nuke.host.nuke_host` imports Nuke; the rest uses plain
values."""
