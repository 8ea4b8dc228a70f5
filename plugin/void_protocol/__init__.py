"""What the host and the server say to each other: the job's schema, the wire format and the client."""
