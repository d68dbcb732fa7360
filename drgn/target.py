"""Targets of one's own: where the bytes and threads of a Program come from.

A debugger or a tool with access to some memory derives a class from `Target` and gets
a Program over it from `program_from_target()`.
"""

from __future__ import annotations

from drgn.engine.memory.memory import PAGE_SIZE, Memory
from drgn.engine.memory.segments import Segment
from drgn.engine.program.execscript import running as script_namespaces
from drgn.engine.program.foreign import (
    function_at,
    is_prototyped,
    load_later,
    open_core,
    program_from_target,
    qualified_name,
    register_values,
)
from drgn.engine.stack.code_places import (
    LocalVariable,
    frame_blocks,
    line_code,
    source_directory,
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
    "LocalVariable",
    "Mapping",
    "Memory",
    "Note",
    "Place",
    "Segment",
    "SetBreakpoint",
    "Step",
    "Stop",
    "StopReason",
    "Target",
    "TargetThread",
    "frame_blocks",
    "function_at",
    "is_prototyped",
    "line_code",
    "load_later",
    "open_core",
    "program_from_target",
    "qualified_name",
    "register_values",
    "script_namespaces",
    "source_directory",
)
