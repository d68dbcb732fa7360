"""The functions of `scan.py` and what it uses, compiled by numba."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numba
from numba.extending import register_jitable

from . import constants, names, scan, scan_abbrevs, scan_ranges, scan_values

for _function in (
    scan_values.uleb,
    scan_values.fixed,
    scan_values.fixed_size,
    scan_values.value,
    scan_values.indexed,
    scan.hash_string,
    scan.hash_scope,
    scan_abbrevs.add_step,
    scan_abbrevs.has_wrong_form,
    scan_abbrevs.read_abbrevs,
    scan_abbrevs.read_steps,
    scan_ranges.wrapped,
    scan_ranges.add_span,
    scan_ranges.add_ranges,
    scan_ranges.add_rnglist,
    scan_ranges.first_address,
):
    register_jitable(_function)

_bytes = numba.types.Array(numba.uint8, 1, "C", readonly=True)
_sections: Any = numba.types.UniTuple(_bytes, len(scan.SECTIONS) + 1)  # type: ignore[no-untyped-call]
_ints = numba.int64[::1]
_checks = numba.uint32[::1]
_int = numba.int64
_bool = numba.boolean


# What the compiled code was made of.
SOURCES = (constants, names, scan, scan_abbrevs, scan_ranges, scan_values)
_digest = blake2b(digest_size=8)
for _module in SOURCES:
    if _module.__file__ is not None:
        _digest.update(Path(_module.__file__).read_bytes())


def _compiled(function: Callable[..., None], *types: Any) -> Any:
    signature = numba.void(*types)
    # numba looks only whether the function's own file has changed. It names what it
    # keeps by this.
    function.__qualname__ = f"{function.__name__}_{_digest.hexdigest()}"
    try:
        # The machine code is kept, next to the source or in the user's cache.
        return numba.njit(signature, nogil=True, cache=True)(function)
    except RuntimeError:  # Neither can be written.
        return numba.njit(signature, nogil=True)(function)


scan_units = _compiled(
    scan.scan, _bytes, _int, _sections, _ints, _int, _int, _bool, *(_ints,) * 8
)
group_rows = _compiled(scan.group, _ints, _ints, _int, _ints, _checks, _ints, _bool)
