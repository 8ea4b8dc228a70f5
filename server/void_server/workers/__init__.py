"""The processes that run jobs, and who watches them."""
