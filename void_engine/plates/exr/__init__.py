"""One frame as an EXR file: read, merged from its parts, and written bit for bit."""
