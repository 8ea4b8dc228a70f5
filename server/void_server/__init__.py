"""The server. It queues jobs, runs them in worker processes that own the devices, and gives frames back."""
