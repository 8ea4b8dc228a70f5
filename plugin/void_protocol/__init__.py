"""What the host and the server share: the job's schema, the messages between them, and the client."""
