"""The life of a job: durable queue, whose turn it is, what may be kept, and its log."""
