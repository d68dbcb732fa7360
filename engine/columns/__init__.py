"""Columns: values of one type, many at a time, as numpy arrays."""
