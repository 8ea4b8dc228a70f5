"""Who may connect, which paths clients may name, and how much they may ask for."""
