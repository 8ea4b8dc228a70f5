"""A shot's frames as numbered files: their names, reading ahead with a bounded cache, writing on threads."""
