"""Dumps of the labs as programs."""

from __future__ import annotations

from drgn import Program

from .manifest import Lab


def open_dump(lab: Lab, dump: str) -> Program:
    """A dump with the debugging information of its kernel, not of modules."""
    prog = Program()
    prog.set_core_dump(lab.dump(dump))
    prog.load_debug_info([lab.vmlinux])
    return prog
