"""Functions for embedding the drgn CLI."""

from drgn.display import display_str
from drgn.namespace import default_globals
from drgn.standalone.prompt import run_interactive, version_header

__all__ = ("default_globals", "display_str", "run_interactive", "version_header")
