"""What is asked of Nuke. Only :mod:`void_nuke.host.nuke_host` imports it; the rest works on plain values."""
