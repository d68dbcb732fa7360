"""
Stack Depot
-----------

``drgn.helpers.linux.stackdepot`` reads stack traces that KASAN and others have stored
(:linux:`include/linux/stackdepot.h`).
"""

from __future__ import annotations

from drgn import Object, Program, StackTrace, cast, reinterpret
from drgn.helpers import ValidationError

__all__ = ("stack_depot_fetch",)

_STACK_ALIGN = 4  # lib/stackdepot.c: DEPOT_STACK_ALIGN


def stack_depot_fetch(handle: Object) -> StackTrace | None:
    """Return a stored stack trace.

    :param handle: ``depot_stack_handle_t``
    :return: Stack trace, without frames for a null handle; ``None`` if there is none.
    :raises LookupError: if the kernel's handles are of an unknown kind
    :raises ValidationError: if the trace is longer than it can be

    >>> len(stack_depot_fetch(Object(prog, "depot_stack_handle_t", 0)))
    0
    """
    prog = handle.prog_
    if not handle:
        return prog.stack_trace_from_pcs([])
    parts = reinterpret("union handle_parts", handle.read_())
    # Renamed in 6.3 (961c949b012f) and in 6.9 (a6c1d9cb9a68).
    for member, first in (
        ("pool_index_plus_1", 1),
        ("pool_index", 0),
        ("slabindex", 0),
    ):
        try:
            index = parts.member_(member).value_() - first
        except LookupError:
            continue
        break
    else:
        raise LookupError("could not find the index in union handle_parts")
    if not 0 <= index < _pools(prog):
        return None
    try:
        pool = prog["stack_pools"][index].read_()
    except KeyError:
        pool = prog["stack_slabs"][index].read_()
    if not pool:
        return None
    offset = parts.offset.value_() << _STACK_ALIGN
    record = cast("struct stack_record *", pool + offset)
    # Since 6.8 (108be8def46e), a trace that nobody refers to makes place for the link
    # of a list.
    if record.type_.type.has_member("count") and not record.count.refs.counter:
        return None
    size = record.size.value_()
    room = (1 << parts.offset.bit_field_size_ + _STACK_ALIGN) - offset
    if size * prog.address_size() > room:
        raise ValidationError(f"stack record {record.value_():#x} has {size} frames")
    return prog.stack_trace_from_pcs([record.entries[i].value_() for i in range(size)])


def _pools(prog: Program) -> int:
    """Return how many pools there are."""
    # The number since 6.8, the last one's index since 6.3 and before.
    for name, more in (("pools_num", 0), ("pool_index", 1), ("depot_index", 1)):
        try:
            pools: int = prog[name].value_() + more
        except LookupError:
            continue
        return pools
    return 0
