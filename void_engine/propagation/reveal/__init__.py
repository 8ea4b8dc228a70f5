"""Step 2 of propagation: hidden pixels are taken from other frames that show them, weighted and fused."""
