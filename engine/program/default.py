"""The default program, and functions on it or on a program just opened."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, SupportsIndex

from ..arguments import Path
from ..errors import MissingDebugInfoError, NoDefaultProgramError
from ..memory.search import MemorySearchIterator
from ..objects.object import Object
from ..stack.source import SourceLocationList
from ..stack.trace import StackTrace
from .memory_access import IntegerOrRange
from .program import Program

_default = threading.local()


def get_default_prog() -> Program:
    """This thread's default program; NoDefaultProgramError if it has none."""
    prog: Program | None = getattr(_default, "prog", None)
    if prog is None:
        raise NoDefaultProgramError("no default program")
    return prog


def set_default_prog(prog: Program | None, /) -> None:
    """Set this thread's default program; None for none."""
    if prog is not None and not isinstance(prog, Program):
        raise TypeError("prog must be Program or None")
    _default.prog = prog


def _prog_of(value: Any) -> Program:
    """The program of an Object, the default program for anything else."""
    return value.prog_ if isinstance(value, Object) else get_default_prog()


def _open(set_target: Callable[[Program], None]) -> Program:
    prog = Program()
    set_target(prog)
    try:
        prog.load_default_debug_info()
    except MissingDebugInfoError:
        pass  # What is missing has been logged.
    return prog


def program_from_core_dump(path: Path | int) -> Program:
    """A Program of a core dump with its default debugging information."""
    return _open(lambda prog: prog.set_core_dump(path))


def program_from_kernel() -> Program:
    """A Program of the running kernel with its default debugging information."""
    return _open(Program.set_kernel)


def program_from_pid(pid: int) -> Program:
    """A Program of a process with its default debugging information."""
    return _open(lambda prog: prog.set_pid(pid))


def stack_trace(thread: Object | SupportsIndex) -> StackTrace:
    """``Program.stack_trace()``; an Object brings its own program."""
    return _prog_of(thread).stack_trace(thread)


def source_location(address: SupportsIndex | str, /) -> SourceLocationList:
    """``Program.source_location()``; an Object brings its own program."""
    return _prog_of(address).source_location(address)


def search_memory(value: Any, **kwargs: Any) -> MemorySearchIterator[int]:
    """``Program.search_memory()``; an Object brings its own program."""
    return _prog_of(value).search_memory(value, **kwargs)


def search_memory_regex(pattern: Any) -> MemorySearchIterator[Any]:
    """``Program.search_memory_regex()`` of the default program."""
    return get_default_prog().search_memory_regex(pattern)


def search_memory_u16(
    *values: IntegerOrRange, ignore_mask: SupportsIndex = 0
) -> MemorySearchIterator[tuple[int, int]]:
    """``Program.search_memory_u16()`` of the default program."""
    return get_default_prog().search_memory_u16(*values, ignore_mask=ignore_mask)


def search_memory_u32(
    *values: IntegerOrRange, ignore_mask: SupportsIndex = 0
) -> MemorySearchIterator[tuple[int, int]]:
    """``Program.search_memory_u32()`` of the default program."""
    return get_default_prog().search_memory_u32(*values, ignore_mask=ignore_mask)


def search_memory_u64(
    *values: IntegerOrRange, ignore_mask: SupportsIndex = 0
) -> MemorySearchIterator[tuple[int, int]]:
    """``Program.search_memory_u64()`` of the default program."""
    return get_default_prog().search_memory_u64(*values, ignore_mask=ignore_mask)


def search_memory_word(
    *values: IntegerOrRange, ignore_mask: SupportsIndex = 0
) -> MemorySearchIterator[tuple[int, int]]:
    """``Program.search_memory_word()`` of the default program."""
    return get_default_prog().search_memory_word(*values, ignore_mask=ignore_mask)
