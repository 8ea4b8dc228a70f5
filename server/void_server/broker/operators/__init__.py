"""What operators see and do: status, figures, pausing, and what is deleted when."""
