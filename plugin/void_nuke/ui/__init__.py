"""The widgets that the artist sees. They draw the models' state and pass on clicks; they decide nothing."""
