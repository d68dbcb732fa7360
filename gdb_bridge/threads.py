"""GDB's threads: their numbers and their registers."""

from __future__ import annotations

import gdb

from drgn.hosts.gdb_process import register_value

from .selection import selected_thread


def tid_of(thread: gdb.InferiorThread) -> int:
    """The number by which its system knows a thread."""
    pid, lwp, tid = thread.ptid
    return int(lwp or tid or pid)


def running(thread: gdb.InferiorThread) -> str:
    """What is said of a thread that would have to stand still."""
    return f"thread {tid_of(thread)} is running: interrupt it first"


def registers_of(thread: gdb.InferiorThread) -> dict[str, int]:
    """The registers of a thread that GDB can tell; ValueError if it is running."""
    with selected_thread(thread):
        try:
            # For a breakpoint's callback the thread only seems to be running.
            frame = gdb.newest_frame()
        except gdb.error:
            raise ValueError(running(thread)) from None
        values = {}
        for register in frame.architecture().registers("general"):
            try:
                value = int(frame.read_register(register.name))
            except (gdb.error, ValueError):
                continue  # Not available, or not a number.
            known, value = register_value(register.name, value)
            values[known] = value
        for name in ("fs_base", "gs_base"):
            try:
                known, value = register_value(name, int(frame.read_register(name)))
                values[known] = value
            except (gdb.error, ValueError):
                pass
        return values
