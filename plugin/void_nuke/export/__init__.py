"""From what the artist picked to plates, mattes and a job."""
