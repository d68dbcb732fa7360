"""Upstream's wheel as the oracle: a script under it and under us, line by line."""
