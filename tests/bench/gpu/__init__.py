"""What the VOID engine does on a GPU: the same bits, the time, the memory. ``python -m tests.bench.gpu``."""
