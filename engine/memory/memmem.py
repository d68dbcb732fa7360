"""Finding bytes in a large buffer in place, with the C library's memmem.

It is several times as fast as ``bytes.find`` of what was copied, and runs in several
threads since it does not hold the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_THREADS_MAX = 8
# Blocks are small at first: a match at hand must not wait for a large one.
_FIRST_BLOCK = 1 << 18
_THREAD_BLOCK = 1 << 22
_LAST_BLOCK = 1 << 24


class _PyBuffer(ctypes.Structure):
    """``Py_buffer`` of CPython's stable ABI."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


_PyBUF_SIMPLE = 0
_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = (ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int)
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = (ctypes.POINTER(_PyBuffer),)
_release_buffer.restype = None
# AttributeError where the C library has none.
_memmem = ctypes.CDLL(None).memmem
_memmem.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_char_p,
    ctypes.c_size_t,
)
_memmem.restype = ctypes.c_void_p


@contextmanager
def _address(buffer: memoryview) -> Iterator[int]:
    """The address of a buffer's bytes, which stay there meanwhile."""
    view = _PyBuffer()
    _get_buffer(buffer, ctypes.byref(view), _PyBUF_SIMPLE)
    try:
        yield view.buf or 0
    finally:
        _release_buffer(ctypes.byref(view))


def find(buffer: memoryview, needle: bytes, start: int, stop: int) -> int:
    """Where ``needle`` first is between two offsets in a buffer, -1 if it is not.

    As ``bytes.find``, but 0 <= start <= stop <= len(buffer) must hold.
    """
    block = _FIRST_BLOCK
    while stop - start >= len(needle):
        threads = _thread_count() if block >= _THREAD_BLOCK else 1
        found = _find_in_blocks(buffer, needle, start, stop, block, threads)
        if found >= 0:
            return found
        start += block * threads
        block = min(2 * block, _LAST_BLOCK)
    return -1


def _thread_count() -> int:
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), _THREADS_MAX)
    return min(os.cpu_count() or 1, _THREADS_MAX)


def _find_in_blocks(
    buffer: memoryview, needle: bytes, start: int, stop: int, block: int, count: int
) -> int:
    """Where the first match that begins in one of ``count`` blocks is, or -1."""
    found = [-1] * count

    def search(index: int) -> None:
        low = start + index * block
        high = min(low + block + len(needle) - 1, stop)
        if low >= high:
            return
        # Each thread holds the buffer: an interrupt may end the wait for it.
        with _address(buffer) as base:
            at = _memmem(base + low, high - low, needle, len(needle))
            if at is not None:
                found[index] = at - base

    threads = [
        threading.Thread(target=search, args=(index,), daemon=True)
        for index in range(1, count)
    ]
    for thread in threads:
        thread.start()
    search(0)
    for thread in threads:
        thread.join()
    return next((place for place in found if place >= 0), -1)
