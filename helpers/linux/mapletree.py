"""
Maple Trees
-----------

``drgn.helpers.linux.mapletree`` looks up and walks maple trees
(:linux:`include/linux/maple_tree.h`), which map ranges to pointers and came with
Linux 6.1.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import NamedTuple

from drgn import NULL, FaultError, IntegerLike, Object, Program, offsetof
from drgn.helpers import ValidationError
from drgn.helpers.common.type import typeof_member
from drgn.helpers.linux._raw import words

__all__ = ("mt_for_each", "mtree_load")

ZERO_ENTRY = (257 << 2) | 2  # XA_ZERO_ENTRY
RESERVED_MAX = 4096
NODE_MASK = 255  # MAPLE_NODE_MASK
HEIGHT_MAX = 31  # MAPLE_HEIGHT_MAX


def mtree_load(mt: Object, index: IntegerLike, *, advanced: bool = False) -> Object:
    """Look up the entry of a maple tree whose range has an index.

    :param mt: ``struct maple_tree *``
    :param index: Index.
    :param advanced: Whether to return what only the advanced API shows, i.e., zero
        entries (see :func:`~drgn.helpers.linux.xarray.xa_is_zero()`), rather than
        ``NULL``.
    :return: ``void *`` entry, or ``NULL`` if there is none.
    :raises ValidationError: if the tree is corrupt

    >>> mm = find_task(prog, 1).mm
    >>> entry = mtree_load(mm.mm_mt.address_of_(), mm.start_stack)
    >>> cast("struct vm_area_struct *", entry).vm_end
    (unsigned long)140736682156032
    """
    prog = mt.prog_
    index = operator.index(index)
    entry: int = mt.ma_root.value_()
    if not _is_node(entry):
        if index:
            entry = 0
        return _entry_object(prog, entry, advanced)
    layouts = _layouts(prog)
    first, last = 0, max_index(prog)
    if not 0 <= index <= last:
        return NULL(prog, "void *")
    for _ in range(HEIGHT_MAX):
        layout = _layout(layouts, entry)
        for slot in layout.ranges(entry, first, last):
            if index <= slot[1]:
                first, last, entry = slot
                break
        else:
            return NULL(prog, "void *")
        if layout.is_leaf:
            return _entry_object(prog, entry, advanced)
    raise ValidationError("maple tree is too deep")


def mt_for_each(
    mt: Object, *, advanced: bool = False
) -> Iterator[tuple[int, int, Object]]:
    """Iterate over the entries of a maple tree and their ranges.

    :param mt: ``struct maple_tree *``
    :param advanced: Whether to yield what only the advanced API shows, i.e., zero
        entries (see :func:`~drgn.helpers.linux.xarray.xa_is_zero()`).
    :return: Iterator of (first index, last index, ``void *``) tuples; the last index
        belongs to the range.
    :raises ValidationError: if the tree is corrupt

    >>> tree = find_task(prog, 1).mm.mm_mt.address_of_()
    >>> [hex(first) for first, last, entry in mt_for_each(tree)][:2]
    ['0x400000', '0x401000']
    """
    prog = mt.prog_
    void_p = prog.type("void *")
    for first, last, entry in mt_entries(mt, advanced):
        yield first, last, Object(prog, void_p, entry)


def mt_entries(
    mt: Object, advanced: bool = False, lost: list[FaultError] | None = None
) -> Iterator[tuple[int, int, int]]:
    """Like :func:`mt_for_each()`, but yield entries as integers.

    :param lost: Takes the errors of nodes that cannot be read, which are left out.
        Without it, the first such node ends the walk.
    """
    prog = mt.prog_
    root: int = mt.ma_root.value_()
    if not _is_node(root):
        if root and (advanced or root != ZERO_ENTRY):
            yield 0, 0, root
        return
    layouts = _layouts(prog)
    levels = [iter(((0, max_index(prog), root),))]
    while levels:
        for first, last, entry in levels[-1]:
            layout = _layout(layouts, entry)
            ranges = layout.ranges(entry, first, last, lost)
            if layout.is_leaf:
                for first, last, entry in ranges:
                    if entry and (advanced or entry != ZERO_ENTRY):
                        yield first, last, entry
                continue
            if len(levels) == HEIGHT_MAX:
                raise ValidationError("maple tree is too deep")
            levels.append(ranges)
            break
        else:
            levels.pop()


class _NodeLayout(NamedTuple):
    """How one of the types of nodes (``enum maple_type``) is laid out."""

    is_leaf: bool
    slots: int
    # None if every slot stands for one index.
    read_pivots: Callable[[int], tuple[int, ...]] | None
    pivot_offset: int
    read_slots: Callable[[int], tuple[int, ...]]
    slot_offset: int

    def ranges(
        self,
        entry: int,
        first: int,
        maximum: int,
        lost: list[FaultError] | None = None,
    ) -> Iterator[tuple[int, int, int]]:
        """Iterate over (first index, last index, entry) of a node's slots.

        :param first: First index of the node.
        :param maximum: Last index of the node.
        :param lost: As :func:`mt_entries()` takes it.
        """
        node = entry & ~NODE_MASK
        try:
            slots = self.read_slots(node + self.slot_offset)
            pivots = (
                None
                if self.read_pivots is None
                else self.read_pivots(node + self.pivot_offset)
            )
        except FaultError as error:
            if lost is None:
                raise
            lost.append(error)
            return
        if pivots is None:
            for i in range(min(self.slots, maximum - first + 1)):
                yield first + i, first + i, slots[i]
            return
        for i, slot in enumerate(slots):
            # There is no pivot for the last slot, and a zero one (but for the
            # first, which may end at index 0) marks the end of a node that is not
            # full: that slot goes on until the node's last index.
            last = pivots[i] if i < len(pivots) else maximum
            if last == 0 and i:
                last = maximum
            if last >= maximum:
                yield first, maximum, slot
                return
            if last >= first:
                yield first, last, slot
                first = last + 1


def _layouts(prog: Program) -> tuple[_NodeLayout, ...]:
    """Layouts by ``enum maple_type``: dense, leaf_64, range_64, arange_64."""
    layouts: tuple[_NodeLayout, ...] | None = prog.cache.get(_layouts)
    if layouts is None:
        node = prog.type("struct maple_node")
        slots = typeof_member(node, "slot").length or 0
        dense = _NodeLayout(
            True, slots, None, 0, words(prog, slots), offsetof(node, "slot")
        )
        ranges = _range_layout(prog, "struct maple_range_64")
        aranges = _range_layout(prog, "struct maple_arange_64")
        layouts = (dense, ranges._replace(is_leaf=True), ranges, aranges)
        prog.cache[_layouts] = layouts
    return layouts


def _range_layout(prog: Program, name: str) -> _NodeLayout:
    type = prog.type(name)
    pivots = typeof_member(type, "pivot").length or 0
    slots = typeof_member(type, "slot").length or 0
    return _NodeLayout(
        False,
        slots,
        words(prog, pivots),
        offsetof(type, "pivot"),
        words(prog, slots),
        offsetof(type, "slot"),
    )


def _layout(layouts: tuple[_NodeLayout, ...], entry: int) -> _NodeLayout:
    # MAPLE_NODE_TYPE_SHIFT, MAPLE_NODE_TYPE_MASK
    type = entry >> 3 & 15
    if entry <= RESERVED_MAX or type >= len(layouts):
        raise ValidationError(f"{entry:#x} is not a maple tree node")
    return layouts[type]


def _is_node(entry: int) -> bool:
    return entry & 3 == 2 and entry > RESERVED_MAX


def max_index(prog: Program) -> int:
    """Return the highest index of a maple tree."""
    return (1 << 8 * prog.address_size()) - 1


def _entry_object(prog: Program, entry: int, advanced: bool) -> Object:
    if entry == ZERO_ENTRY and not advanced:
        entry = 0
    return Object(prog, "void *", entry)
