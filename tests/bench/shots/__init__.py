"""The shots of the propagation bench: real movies with a composited occluder and the truth beneath it."""
