"""
Plugins
-------

A plugin is a module with functions that are called at certain times, so far one:

.. code-block:: python3

    def drgn_prog_set(prog):
        print("opened", prog.core_dump_path)

    drgn_prog_set.drgn_priority = 10  # 50 where there is none; lower ones go first.

Plugins are the entry points of the group ``drgn.plugins`` of installed distributions,
and what the environment says: ``DRGN_PLUGINS`` has ``name=module`` or
``name=/path.py``, separated by commas, and ``DRGN_DISABLE_PLUGINS`` the names, or
patterns of names, of entry points that are not wanted. What a plugin raises is logged.

The functions are for programs that have hooks of their own:
"""

from __future__ import annotations

from drgn.engine.plugins import call_hooks, is_wanted

__all__ = ("call_hooks", "is_wanted")
