"""What Nuke loads: it takes the artist's picks, exports them and reads results back. The server does the
work."""
