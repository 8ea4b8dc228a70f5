"""One frame as an EXR file: reading, merging of its parts, and bit-exact writing."""
