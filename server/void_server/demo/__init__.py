"""A removal that anyone can run and check: a rendered HDR shot with a known clean plate, and the figures."""
