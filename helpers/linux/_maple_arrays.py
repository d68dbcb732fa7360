"""The entries of many maple trees at once; see :mod:`drgn.helpers.linux.mapletree`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drgn import Program
from drgn.helpers import ValidationError
from drgn.helpers.linux._readable import read_members
from drgn.helpers.linux.mapletree import (
    HEIGHT_MAX,
    NODE_MASK,
    RESERVED_MAX,
    ZERO_ENTRY,
    max_index,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    Rows = NDArray[np.int64]

# The types of nodes (enum maple_type) and the structures that they are.
_DENSE, _LEAF, _TYPES = 0, 1, 4
_STRUCTURES = (
    "struct maple_node",
    "struct maple_range_64",
    "struct maple_range_64",
    "struct maple_arange_64",
)


def tree_entries(prog: Program, roots: Words) -> tuple[Rows, Words]:
    """Return the entries of maple trees with the given roots, ``ma_root``.

    A level of all trees is read at a time, and then all leaves.

    :return: For each of m entries the number of its tree and the entry, tree by tree
        and in order of their indices.
    :raises FaultError: if a node cannot be read
    :raises ValidationError: if a tree is corrupt
    """
    trees = np.arange(len(roots))
    is_node = _are_nodes(roots)
    alone = ~is_node & (roots != 0) & (roots != ZERO_ENTRY)
    found = [(trees[alone], np.zeros(alone.sum(), np.uint64), roots[alone])]
    trees, nodes = trees[is_node], roots[is_node]
    first = np.zeros(len(nodes), np.uint64)
    last = np.full(len(nodes), max_index(prog), np.uint64)
    leaves: dict[int, list[tuple[Rows, Words, Words, Words]]] = {}
    for _ in range(HEIGHT_MAX):
        if not len(nodes):
            break
        types = nodes >> np.uint64(3) & np.uint64(15)
        wrong = np.flatnonzero((nodes <= RESERVED_MAX) | (types >= _TYPES))
        if len(wrong):
            raise ValidationError(f"{nodes[wrong[0]]:#x} is not a maple tree node")
        below = []
        for type in np.unique(types).tolist():
            some = types == type
            level = trees[some], nodes[some], first[some], last[some]
            if type > _LEAF:
                parents, *slots = _slots(prog, type, *level[1:])
                below.append((level[0][parents], *slots))
            else:
                leaves.setdefault(type, []).append(level)
        if not below:
            nodes = nodes[:0]
            break
        trees, first, last, nodes = (
            np.concatenate(column) for column in zip(*below, strict=True)
        )
    if len(nodes):
        raise ValidationError("maple tree is too deep")
    for type, levels in leaves.items():
        trees, *rest = (np.concatenate(column) for column in zip(*levels, strict=True))
        parents, low, _, entries = _slots(prog, type, *rest)
        there = (entries != 0) & (entries != ZERO_ENTRY)
        found.append((trees[parents[there]], low[there], entries[there]))
    trees, first, entries = (
        np.concatenate(column) for column in zip(*found, strict=True)
    )
    order = np.lexsort((first, trees))
    return trees[order], entries[order]


def _are_nodes(entries: Words) -> NDArray[np.bool_]:
    nodes: NDArray[np.bool_] = entries & np.uint64(3) == 2
    return nodes & (entries > RESERVED_MAX)


def _slots(
    prog: Program, type: int, nodes: Words, first: Words, last: Words
) -> tuple[Rows, Words, Words, Words]:
    """The slots in use of nodes of one type that stand for the given indices.

    Returns for each slot the number of its node, its first and last index and its
    entry; see `_NodeLayout.ranges()`.
    """
    addresses = nodes & ~np.uint64(NODE_MASK)
    ends: Words
    if type == _DENSE:
        (slots,) = read_members(prog, _STRUCTURES[type], addresses, "slot")
        numbers: Words = np.arange(slots.shape[1], dtype=np.uint64)
        ends = first[:, None] + numbers
    else:
        pivots, slots = read_members(
            prog, _STRUCTURES[type], addresses, "pivot", "slot"
        )
        pivots = pivots[:, : slots.shape[1] - 1]
        ends = np.concatenate((pivots, last[:, None]), 1, dtype=np.uint64)
        ends[:, 1:][ends[:, 1:] == 0] = max_index(prog)
    ends = np.minimum(ends, last[:, None])
    # One index more than any before it has, but for the first one.
    starts = np.maximum.accumulate(ends, 1) + np.uint64(1)
    starts = np.concatenate((first[:, None], starts[:, :-1]), 1)
    starts[:, 1:] = np.maximum(starts[:, 1:], first[:, None])
    # Nothing is behind the slot that goes on until the node's last index.
    done = np.logical_or.accumulate(ends >= last[:, None], 1)[:, :-1]
    used = ends >= starts
    used[:, 1:] &= ~done
    rows, _ = np.nonzero(used)
    return rows, starts[used], ends[used], slots[used].astype(np.uint64, copy=False)
