"""The life of a job: its states, the durable queue, whose turn it is, quotas, and its log."""
