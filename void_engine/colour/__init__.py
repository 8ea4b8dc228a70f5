"""Scene-linear plates as the display-referred pictures a model knows, and back."""
