"""
XArrays
-------

``drgn.helpers.linux.xarray`` looks up and walks XArrays (``struct xarray`` of
:linux:`include/linux/xarray.h`).

XArrays took the place of radix trees in Linux 4.20, and one that the kernel turned
into the other is looked up by the same call here: these functions take ``struct
radix_tree_root *`` too, and those of :mod:`drgn.helpers.linux.radixtree` take
``struct xarray *``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator

from drgn import NULL, FaultError, IntegerLike, Object, cast, offsetof
from drgn.helpers import ValidationError
from drgn.helpers.common.type import typeof_member
from drgn.helpers.linux._raw import words

__all__ = ("xa_for_each", "xa_is_value", "xa_is_zero", "xa_load", "xa_to_value")

# include/linux/xarray.h: internal entries have 2 in their low bits; those up to
# 4096 are no node but stand for something.
_RETRY_ENTRY = (256 << 2) | 2
_ZERO_ENTRY = (257 << 2) | 2
_RESERVED_MAX = 4096


def xa_load(xa: Object, index: IntegerLike, *, advanced: bool = False) -> Object:
    """Look up an entry of an XArray.

    :param xa: ``struct xarray *``
    :param index: Index.
    :param advanced: Whether to return what only the advanced API of the XArray
        shows, i.e., zero entries (see :func:`xa_is_zero()`), rather than ``NULL``.
    :return: ``void *`` entry, or ``NULL`` if there is none.
    :raises ValidationError: if the tree is corrupt

    >>> pages = path_lookup(prog, "/init").dentry.d_inode.i_mapping.i_pages
    >>> page_index(cast("struct page *", xa_load(pages.address_of_(), 0)))
    (unsigned long)0
    """
    prog = xa.prog_
    index = operator.index(index)
    tree = _Tree(xa)
    entry = tree.head
    if tree.is_node(entry):
        shift = tree.shift(entry, _MAX_SHIFT)
        if index >> shift >= tree.slots:
            return NULL(prog, "void *")
        while True:
            slots = tree.read_slots(entry)
            offset = tree.canonical(entry, slots, (index >> shift) & (tree.slots - 1))
            entry = slots[offset]
            if not tree.is_node(entry):
                break
            shift = tree.shift(entry, shift)
    elif index:
        return NULL(prog, "void *")
    if tree.is_empty(entry) or (entry == _ZERO_ENTRY and not advanced):
        return NULL(prog, "void *")
    return Object(prog, "void *", entry)


def xa_for_each(xa: Object, *, advanced: bool = False) -> Iterator[tuple[int, Object]]:
    """Iterate over the entries of an XArray, in the order of their indices.

    :param xa: ``struct xarray *``
    :param advanced: Whether to yield what only the advanced API of the XArray
        shows, i.e., zero entries (see :func:`xa_is_zero()`).
    :return: Iterator of (index, ``void *``) tuples.
    :raises ValidationError: if the tree is corrupt

    >>> pages = path_lookup(prog, "/init").dentry.d_inode.i_mapping.i_pages
    >>> [index for index, entry in xa_for_each(pages.address_of_())][:2]
    [0, 1]
    """
    prog = xa.prog_
    void_p = prog.type("void *")
    for index, entry in xa_entries(xa, advanced):
        yield index, Object(prog, void_p, entry)


def xa_is_value(entry: Object) -> bool:
    """Return whether an entry is an integer rather than a pointer.

    :param entry: ``void *``

    >>> pages = path_lookup(prog, "/init").dentry.d_inode.i_mapping.i_pages
    >>> xa_is_value(xa_load(pages.address_of_(), 0))
    False
    """
    return bool(entry.value_() & 1)


def xa_to_value(entry: Object) -> Object:
    """Return the integer that an entry holds; see :func:`xa_is_value()`.

    :param entry: ``void *``
    :return: ``unsigned long``

    >>> xa_to_value(Object(prog, "void *", 85))
    (unsigned long)42
    """
    return cast("unsigned long", entry) >> 1


def xa_is_zero(entry: Object) -> bool:
    """Return whether an entry is reserved without having been stored yet.

    Only :func:`xa_load()` and :func:`xa_for_each()` with *advanced* return such.

    :param entry: ``void *``

    >>> xa_is_zero(Object(prog, "void *", 1030))
    True
    """
    return entry.value_() == _ZERO_ENTRY


def xa_entries(
    xa: Object, advanced: bool = False, lost: list[FaultError] | None = None
) -> Iterator[tuple[int, int]]:
    """Like :func:`xa_for_each()`, but yield entries as integers.

    :param xa: ``struct xarray *`` or ``struct radix_tree_root *``
    :param lost: Takes the errors of nodes that cannot be read, which are left out.
        Without it, the first such node ends the walk.
    """
    tree = _Tree(xa)
    if tree.is_node(tree.head):
        yield from _node_entries(tree, tree.head, 0, _MAX_SHIFT, advanced, lost)
    elif not tree.is_empty(tree.head) and (advanced or tree.head != _ZERO_ENTRY):
        yield 0, tree.head


def _node_entries(
    tree: _Tree,
    node: int,
    base: int,
    max_shift: int,
    advanced: bool,
    lost: list[FaultError] | None,
) -> Iterator[tuple[int, int]]:
    try:
        shift = tree.shift(node, max_shift)
        slots = tree.read_slots(node)
    except FaultError as error:
        if lost is None:
            raise
        lost.append(error)
        return
    is_node = tree.is_node
    is_empty = tree.is_empty
    for i, entry in enumerate(slots):
        if not entry & 3:
            if entry:  # A pointer, as most are.
                yield base + (i << shift), entry
            continue
        index = base + (i << shift)
        if is_node(entry):
            if tree.canonical(node, slots, i) == i:
                yield from _node_entries(tree, entry, index, shift, advanced, lost)
        elif not is_empty(entry) and (advanced or entry != _ZERO_ENTRY):
            yield index, entry


def value_bit(xa: Object) -> int:
    """Return the bit that entries have which are integers.

    :param xa: ``struct xarray *`` or ``struct radix_tree_root *``
    """
    # Swapped with that of nodes in 4.20 (3159f943aafd).
    return 1 if hasattr(xa, "xa_head") else 2


# Wider than an index: no node has this shift.
_MAX_SHIFT = 64


class _Tree:
    """An XArray or radix tree and how to read its nodes.

    Nodes are given by their entries, i.e., with their tag.
    """

    __slots__ = (
        "_node_tag",
        "_read_u8",
        "_read_words",
        "_shift_offset",
        "_slots_offset",
        "_word_size",
        "head",
        "slots",
    )

    def __init__(self, xa: Object) -> None:
        # Since 4.20 (f8d5d0cc145c), struct radix_tree_root and radix_tree_node are
        # struct xarray and xa_node, and the tags of internal entries and values are
        # swapped.
        prog = xa.prog_
        try:
            self.head: int = xa.xa_head.value_()
            node_type, self._node_tag = "struct xa_node", 2
        except AttributeError:
            self.head = xa.rnode.value_()
            node_type, self._node_tag = "struct radix_tree_node", 1
        layout = prog.cache.get((_Tree, node_type))
        if layout is None:
            type = prog.type(node_type)
            slots = typeof_member(type, "slots").length or 0
            layout = (
                offsetof(type, "slots"),
                offsetof(type, "shift"),
                slots,
                words(prog, slots),
            )
            prog.cache[_Tree, node_type] = layout
        self._slots_offset: int
        self._shift_offset: int
        self.slots: int
        self._read_words: Callable[[int], tuple[int, ...]]
        self._slots_offset, self._shift_offset, self.slots, self._read_words = layout
        self._word_size = prog.address_size()
        self._read_u8 = prog.read_u8

    def is_node(self, entry: int) -> bool:
        if entry & 3 != self._node_tag:
            return False
        # The tag alone is RADIX_TREE_RETRY.
        return entry > (_RESERVED_MAX if self._node_tag == 2 else self._node_tag)

    def is_empty(self, entry: int) -> bool:
        """Return whether an entry that is no node holds nothing."""
        return entry == 0 or (entry <= _RETRY_ENTRY and self._is_internal(entry))

    def _is_internal(self, entry: int) -> bool:
        return entry & 3 == self._node_tag

    def shift(self, node: int, max_shift: int) -> int:
        shift = self._read_u8((node & ~3) + self._shift_offset)
        if shift >= max_shift:
            raise ValidationError(
                f"node {node & ~3:#x} has shift {shift} beneath one of {max_shift}"
            )
        return shift

    def read_slots(self, node: int) -> tuple[int, ...]:
        return self._read_words((node & ~3) + self._slots_offset)

    def canonical(self, node: int, slots: tuple[int, ...], offset: int) -> int:
        """Return the slot that what is in the slot at *offset* is stored in.

        An entry for several indices is in the first of its slots; the others, the
        siblings, refer to it.
        """
        entry = slots[offset]
        if not self._is_internal(entry):
            return offset
        if self._node_tag == 2:
            sibling = entry >> 2
        else:
            # The tagged address of the slot.
            first = (node & ~3) + self._slots_offset
            sibling = ((entry & ~3) - first) // self._word_size
        return sibling if 0 <= sibling < self.slots else offset
