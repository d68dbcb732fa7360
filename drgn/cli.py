"""
The prompt in programs of one's own
-----------------------------------

Functions for embedding the drgn CLI.

.. code-block:: python3

    import drgn
    from drgn.cli import run_interactive

    prog = drgn.program_from_core_dump("core")
    run_interactive(prog, globals_func=lambda names: {**names, "answer": 42})
"""

from drgn.hosts.display import display_str
from drgn.hosts.namespace import default_globals
from drgn.standalone.prompt import run_interactive, version_header

__all__ = ("default_globals", "display_str", "run_interactive", "version_header")
