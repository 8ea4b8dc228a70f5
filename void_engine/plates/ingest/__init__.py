"""Movies, pictures and EXR of other spaces or sizes become plates and mattes: scene-linear EXR files."""
