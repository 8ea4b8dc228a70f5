"""Movies become plates: decoding, transfer curves, and writing of scene-linear EXR."""
