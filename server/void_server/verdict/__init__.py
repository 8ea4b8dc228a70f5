"""The verdict on a job's result: its files are read and judged, and what was found is said in words."""
