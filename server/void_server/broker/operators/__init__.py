"""What operators see and do: status, figures, pausing, and cleaning."""
