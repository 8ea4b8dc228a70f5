"""The broker: one socket loop, with the jobs, the queue, the sessions, the transfers and the store behind
it."""
