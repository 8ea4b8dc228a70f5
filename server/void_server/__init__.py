"""The server: it queues jobs, owns the device through a worker process, and gives frames back."""
