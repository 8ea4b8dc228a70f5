"""From what a host hands over to a job: the order, the frames as EXR, and the job itself."""
