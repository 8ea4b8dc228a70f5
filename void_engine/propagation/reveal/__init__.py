"""Step 2: what other frames show of the hidden pixels, weighed and fused."""
