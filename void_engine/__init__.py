"""The VOID engine: scene-linear plates and mattes in, a clean plate out. It knows no socket and no host."""
