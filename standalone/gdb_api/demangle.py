"""C++ names of symbols, as the C++ library of this machine has them."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


@cache
def _library() -> tuple[Any, Any] | None:
    try:
        library = ctypes.CDLL("libstdc++.so.6")
        function = library.__cxa_demangle
        free = ctypes.CDLL(None).free
    except (OSError, AttributeError):
        return None
    function.restype = ctypes.c_void_p
    free.argtypes = [ctypes.c_void_p]
    return function, free


@cache
def demangle(name: str) -> str:
    """A symbol's name in C++'s words; as it is where no library is there."""
    library = _library() if name.startswith("_Z") else None
    if library is None:
        return name
    function, free = library
    status = ctypes.c_int()
    found = function(name.encode(), None, None, ctypes.byref(status))
    if not found:
        return name
    text = ctypes.string_at(found).decode()
    free(found)
    return text
