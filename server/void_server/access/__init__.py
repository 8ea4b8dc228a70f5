"""Who may come in, which paths they may name, and how much they may ask for."""
