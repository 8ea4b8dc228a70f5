"""The engines behind one interface, found by name."""
