"""Movies made into plates: decoding, transfer curves, writing scene-linear EXR."""
