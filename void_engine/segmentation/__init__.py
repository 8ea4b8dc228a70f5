"""Segmentation: mattes by clicks, boxes and words, with models on this machine (docs/segmentation.md)."""
