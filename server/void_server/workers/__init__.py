"""The processes that run jobs, and the supervisor that watches them."""
