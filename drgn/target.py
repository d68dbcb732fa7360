"""
Targets
-------

Targets of one's own: where the bytes and threads of a Program come from.

A debugger or a tool with access to some memory derives a class from `Target` and gets
a Program over it from `program_from_target()`.

.. code-block:: python3

    from drgn import Architecture, Platform
    from drgn.target import Segment, Target, TargetThread, program_from_target

    class Image(Segment):
        def __init__(self, start, data):
            super().__init__(start, len(data))
            self.data = data

        def read(self, address, size):
            offset = address - self.start
            return self.data[offset : offset + size]

    class Board(Target):
        platform = Platform(Architecture.X86_64)

        def attach(self, memory):
            memory.add(Image(0x1000, b"firmware"))

        def threads(self):
            return [TargetThread(1, "boot", values={"rip": 0x1000, "rsp": 0})]

    prog = program_from_target(Board())
"""

from __future__ import annotations

from drgn.engine.memory.memory import PAGE_SIZE, Memory
from drgn.engine.memory.segments import Segment
from drgn.engine.program.execscript import running as script_namespaces
from drgn.engine.program.foreign import (
    function_at,
    is_prototyped,
    is_scoped,
    load_later,
    open_core,
    program_from_target,
    qualified_name,
    register_values,
    static_members,
)
from drgn.engine.stack.code_places import (
    LineStart,
    LocalVariable,
    SourceUnit,
    Statement,
    frame_blocks,
    frame_statement,
    line_starts,
    source_directory,
    statement_at,
    unit_at,
)
from drgn.engine.targets.base import Mapping, Note, Target, TargetThread
from drgn.engine.targets.control import (
    Breakpoint,
    Place,
    SetBreakpoint,
    Step,
    Stop,
    StopReason,
)

__all__ = (
    "PAGE_SIZE",
    "Breakpoint",
    "LineStart",
    "LocalVariable",
    "Mapping",
    "Memory",
    "Note",
    "Place",
    "Segment",
    "SetBreakpoint",
    "SourceUnit",
    "Statement",
    "Step",
    "Stop",
    "StopReason",
    "Target",
    "TargetThread",
    "frame_blocks",
    "frame_statement",
    "function_at",
    "is_prototyped",
    "is_scoped",
    "line_starts",
    "load_later",
    "open_core",
    "program_from_target",
    "qualified_name",
    "register_values",
    "script_namespaces",
    "source_directory",
    "statement_at",
    "static_members",
    "unit_at",
)
