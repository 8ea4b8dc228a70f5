"""Movies are decoded to code values, and what they declare about them."""
