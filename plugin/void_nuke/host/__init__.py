"""What the plug-in asks of Nuke. Only the modules ``nuke_*`` import Nuke; the rest uses plain
values."""
