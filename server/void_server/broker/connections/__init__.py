"""Connected clients: keys, sessions, what waits to be sent, and the limits of all three."""
