"""
Control
-------

``drgn.control`` is what :meth:`drgn.Program.breakpoint()`,
:meth:`drgn.Program.resume()` and others that run a program return. A program can be run
where it is debugged by GDB:

.. code-block:: python3

    def called(frame):
        print(frame["a"])

    prog.breakpoint("add", called)
    prog.resume()
"""

from __future__ import annotations

from drgn.engine.targets.control import Breakpoint, Stop, StopReason

__all__ = ("Breakpoint", "Stop", "StopReason")
