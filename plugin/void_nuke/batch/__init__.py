"""Many shots at once: lists of shots, farm orders, and the Python that has the server."""
