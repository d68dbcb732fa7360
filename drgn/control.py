"""Running programs: what `Program.breakpoint()`, `Program.resume()` and others return.

A program can be run where it is debugged by GDB::

    >>> def called(frame):
    ...     print(frame["a"])
    >>> prog.breakpoint("add", called)
    >>> prog.resume()
"""

from __future__ import annotations

from drgn.engine.targets.control import Breakpoint, Stop, StopReason

__all__ = ("Breakpoint", "Stop", "StopReason")
