"""One frame in memory: its header and metadata, channels in their own data types, layers, proxy."""
