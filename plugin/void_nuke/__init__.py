"""The host side: what Nuke loads. It draws, exports and reads back; the work is done by the server."""
