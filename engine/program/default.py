"""The default program and the ways to open one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import NoDefaultProgramError
from .program import Program

if TYPE_CHECKING:
    Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


_default: Program | None = None


def get_default_prog() -> Program:
    """The default program; NoDefaultProgramError if there is none."""
    if _default is None:
        raise NoDefaultProgramError("no default program")
    return _default


def set_default_prog(prog: Program | None, /) -> None:
    """Set the default program, None for none."""
    global _default
    if prog is not None and not isinstance(prog, Program):
        raise TypeError("prog must be Program or None")
    _default = prog


def program_from_core_dump(path: Path | int) -> Program:
    """A Program of a core dump with its default debugging information."""
    prog = Program()
    prog.set_core_dump(path)
    prog.load_default_debug_info()
    return prog


def program_from_kernel() -> Program:
    """A Program of the running kernel with its default debugging information."""
    prog = Program()
    prog.set_kernel()
    prog.load_default_debug_info()
    return prog


def program_from_pid(pid: int) -> Program:
    """A Program of a process with its default debugging information."""
    prog = Program()
    prog.set_pid(pid)
    prog.load_default_debug_info()
    return prog
