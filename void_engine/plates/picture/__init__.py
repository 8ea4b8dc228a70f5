"""Pictures other than EXR are read as code values, and what they declare about them."""
