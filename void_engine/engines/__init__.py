"""The engines: their common interface, their descriptions and options, and the registry that finds them."""
