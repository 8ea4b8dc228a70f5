"""One frame in memory: its header and metadata, its channels in their own data types, layers and proxies."""
