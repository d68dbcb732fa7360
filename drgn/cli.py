"""Functions for embedding the drgn CLI."""

from drgn.hosts.display import display_str
from drgn.hosts.namespace import default_globals
from drgn.standalone.prompt import run_interactive, version_header

__all__ = ("default_globals", "display_str", "run_interactive", "version_header")
