"""The functions of `scan.py`, compiled by numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.extending import register_jitable

from . import scan

for _function in (
    scan.uleb,
    scan.fixed,
    scan.fixed_size,
    scan.value,
    scan.indexed,
    scan.hash_string,
    scan.hash_scope,
    scan.add_step,
    scan.read_abbrevs,
    scan.add_span,
    scan.add_ranges,
    scan.add_rnglist,
):
    register_jitable(_function)

_bytes = numba.types.Array(numba.uint8, 1, "C", readonly=True)
_sections: Any = numba.types.UniTuple(_bytes, len(scan.SECTIONS) + 1)  # type: ignore[no-untyped-call]
_ints = numba.int64[::1]
_checks = numba.uint32[::1]
_int = numba.int64
_bool = numba.boolean


def _compiled(function: Callable[..., None], *types: Any) -> Any:
    signature = numba.void(*types)
    try:
        # The machine code is kept, next to the source or in the user's cache.
        return numba.njit(signature, nogil=True, cache=True)(function)
    except RuntimeError:  # Neither can be written.
        return numba.njit(signature, nogil=True)(function)


scan_units = _compiled(
    scan.scan, _bytes, _int, _sections, _ints, _int, _int, _bool, *(_ints,) * 8
)
group_rows = _compiled(scan.group, _ints, _ints, _int, _ints, _checks, _ints, _bool)
