"""The standalone host: the command line and its prompt."""
