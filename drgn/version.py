"""The version of this distribution; drgn.__version__ is that of the API."""

DISTRIBUTION = "0.1.0"
