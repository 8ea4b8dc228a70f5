"""The broker: jobs, queue, sessions, transfers and the store behind one socket loop."""
