"""Bytes in and out: submissions, uploads, results, and proofs that both sides see the same files."""
