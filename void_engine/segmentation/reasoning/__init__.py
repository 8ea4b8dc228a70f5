"""Reasoning: what an object affected, told by a language model that sees stills of the shot, as mattes."""
