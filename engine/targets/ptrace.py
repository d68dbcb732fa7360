"""Stopping a thread of a live process for as long as its registers are needed."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

# linux/ptrace.h and linux/elf.h
_DETACH = 17
_GETREGSET = 0x4204
_SEIZE = 0x4206
_INTERRUPT = 0x4207
_NT_PRSTATUS = 1
_WALL = 0x40000000
_REGISTERS_MAX = 4096


class _IoVector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def _ptrace(request: int, tid: int, address: int, data: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.restype = ctypes.c_long
    libc.ptrace.argtypes = [
        ctypes.c_long,
        ctypes.c_long,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    if libc.ptrace(request, tid, address, data) == -1:
        code = ctypes.get_errno()
        if code == errno.ESRCH:
            raise ProcessLookupError(code, os.strerror(code), f"thread {tid}")
        raise PermissionError(
            code, f"cannot stop thread {tid} to read its registers: {os.strerror(code)}"
        )


@contextmanager
def stopped_thread(tid: int) -> Iterator[bytes]:
    """Stop a thread of another process, yield its registers, let it go on.

    The registers are laid out as in NT_PRSTATUS (``struct user_regs_struct``).
    A thread that was stopped before stays stopped. Raises PermissionError if
    ptrace is not allowed and ProcessLookupError if there is no such thread.
    """
    _ptrace(_SEIZE, tid, 0, 0)
    signal = 0
    try:
        _ptrace(_INTERRUPT, tid, 0, 0)
        _, status = os.waitpid(tid, _WALL)
        if os.WIFSTOPPED(status) and not status >> 16:
            # A signal came first. It is delivered when the thread is let go.
            signal = os.WSTOPSIG(status)
        buffer = ctypes.create_string_buffer(_REGISTERS_MAX)
        vector = _IoVector(ctypes.addressof(buffer), _REGISTERS_MAX)
        _ptrace(_GETREGSET, tid, _NT_PRSTATUS, ctypes.addressof(vector))
        yield buffer.raw[: vector.length]
    finally:
        try:
            _ptrace(_DETACH, tid, 0, signal)
        except OSError:
            pass  # It died meanwhile: there is nothing to let go.
