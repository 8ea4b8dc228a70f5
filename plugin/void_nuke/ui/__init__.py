"""What the artist sees. Widgets draw the models' state and pass on what was clicked; they decide nothing."""
