"""The process beside an OpenFX host: jobs from what a host hands over, pictures from results."""
