"""Many shots at once: lists of shots, orders for a render farm, and the Python that has the server."""
