"""The version of the API, as text."""

from drgn import __version__ as __version__
