"""Upstream's wheel as the oracle: the same script under it and under us, line by line."""
