"""Maple trees made by hand: what no kernel's tree happens to have."""

from __future__ import annotations

import pytest
from mock_kernel import Kernel

from drgn import Object
from drgn.helpers import ValidationError
from drgn.helpers.linux.mapletree import mt_for_each, mtree_load

# enum maple_type
DENSE, LEAF, RANGE, ARANGE = range(4)
NODES = 0xFFFF888000010000
A, B, C, D = (0xFFFF888000100000 + 8 * i for i in range(4))
ZERO = 0x406  # XA_ZERO_ENTRY
LAST = 2**64 - 1
HEIGHT = 31  # MAPLE_HEIGHT_MAX


class Trees:
    """Trees whose nodes have four slots, those of ARANGE three."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._next = NODES
        prog = kernel.prog

        def words(count: int) -> dict[str, object]:
            return {
                "pivot": prog.array_type(kernel.ulong, count - 1),
                "slot": prog.array_type(kernel.pointer, count),
            }

        kernel.struct("maple_tree", ma_root=kernel.pointer)
        kernel.struct(
            "maple_node",
            parent=kernel.pointer,
            slot=prog.array_type(kernel.pointer, 4),
        )
        kernel.struct("maple_range_64", parent=kernel.pointer, **words(4))
        kernel.struct("maple_arange_64", parent=kernel.pointer, **words(3))

    def node(self, kind: int, *slots: int, pivots: tuple[int, ...] = ()) -> int:
        """A node, and how the node above it says where it is."""
        address = self._next
        self._next += 256
        count = 3 if kind == ARANGE else 4
        filled = [*slots, *[0] * (count - len(slots))]
        if kind != DENSE:
            filled = [*pivots, *[0] * (count - 1 - len(pivots)), *filled]
        self._kernel.words(address, 0, *filled)
        return address | kind << 3 | 4

    def tree(self, root: int, *, is_node: bool = True) -> Object:
        if is_node:
            root = root & ~7 | 2
        return Object(self._kernel.prog, "struct maple_tree", {"ma_root": root})


@pytest.fixture
def trees(kernel: Kernel) -> Trees:
    return Trees(kernel)


def check(tree: Object, expected: list[tuple[int, int, int]]) -> None:
    """Entries and their ranges are these, and are found from first to last index."""
    found = [(first, last, entry.value_()) for first, last, entry in mt_for_each(tree)]
    assert found == expected
    before = -1
    for first, last, entry in expected:
        assert mtree_load(tree, first).value_() == entry
        assert mtree_load(tree, last).value_() == entry
        if first - 1 > before:
            assert not mtree_load(tree, first - 1)
        before = last
    if before < LAST:
        assert not mtree_load(tree, before + 1)
    assert not mtree_load(tree, LAST + 1)


@pytest.mark.parametrize("entry", [A, 1, 0xFFE])
def test_an_entry_without_nodes_is_at_index_0(trees: Trees, entry: int) -> None:
    check(trees.tree(entry, is_node=False), [(0, 0, entry)])


def test_empty_tree(trees: Trees) -> None:
    check(trees.tree(0, is_node=False), [])


@pytest.mark.parametrize(
    ("pivots", "slots", "expected"),
    [
        # A pivot of 0 ends the node; its slot goes on to the last index.
        ((9, 19), (A, 0, B), [(0, 9, A), (20, LAST, B)]),
        ((9, 19), (A, B), [(0, 9, A), (10, 19, B)]),
        # There is no pivot for the last slot.
        ((1, 2, 3), (A, B, C, D), [(0, 1, A), (2, 2, B), (3, 3, C), (4, LAST, D)]),
        # The first slot may end at index 0.
        ((0, 5), (A, B), [(0, 0, A), (1, 5, B)]),
        # What is behind the last index is left over from before.
        ((9, LAST, 19), (A, B, C, D), [(0, 9, A), (10, LAST, B)]),
    ],
)
def test_leaf(
    trees: Trees,
    pivots: tuple[int, ...],
    slots: tuple[int, ...],
    expected: list[tuple[int, int, int]],
) -> None:
    check(trees.tree(trees.node(LEAF, *slots, pivots=pivots)), expected)


@pytest.mark.parametrize("kind", [RANGE, ARANGE])
def test_leaves_end_where_the_node_above_says(trees: Trees, kind: int) -> None:
    first = trees.node(LEAF, A, B, pivots=(49,))
    second = trees.node(LEAF, 0, C, pivots=(149,))
    root = trees.node(kind, first, second, pivots=(99,))
    expected = [(0, 49, A), (50, 99, B), (150, LAST, C)]
    check(trees.tree(root), expected)
    # As after it was split: what lies behind its end is left over.
    first = trees.node(LEAF, A, B, D, pivots=(49, 99, 149))
    root = trees.node(kind, first, second, pivots=(99,))
    check(trees.tree(root), expected)


def test_each_slot_of_a_dense_node_is_an_index(trees: Trees) -> None:
    before, after = trees.node(LEAF, A, pivots=(99,)), trees.node(LEAF, 0)
    dense = trees.node(DENSE, B, 0, C, D)
    root = trees.node(RANGE, before, dense, after, pivots=(99, 102))
    check(trees.tree(root), [(0, 99, A), (100, 100, B), (102, 102, C)])


def test_zero_entries_are_shown_by_the_advanced_api(trees: Trees) -> None:
    leaf = trees.node(LEAF, ZERO, A, pivots=(9, 19))
    for tree, last in (
        (trees.tree(ZERO, is_node=False), 0),
        (trees.tree(leaf), 9),
    ):
        assert ZERO not in [entry.value_() for _, _, entry in mt_for_each(tree)]
        assert not mtree_load(tree, 0)
        first = next(mt_for_each(tree, advanced=True))
        assert (*first[:2], first[2].value_()) == (0, last, ZERO)
        assert mtree_load(tree, 0, advanced=True).value_() == ZERO


@pytest.mark.parametrize("child", [0, 0x1000, NODES | 4 << 3 | 4])
def test_a_child_that_is_no_node(trees: Trees, child: int) -> None:
    tree = trees.tree(trees.node(RANGE, child))
    for walk in (lambda: list(mt_for_each(tree)), lambda: mtree_load(tree, 0)):
        with pytest.raises(ValidationError, match=f"{child:#x} is not a maple tree"):
            walk()


@pytest.mark.parametrize("height", [HEIGHT, HEIGHT + 1])
def test_the_highest_tree(trees: Trees, height: int) -> None:
    node = trees.node(LEAF, A, pivots=(9,))
    for _ in range(height - 1):
        node = trees.node(RANGE, node, pivots=(LAST,))
    tree = trees.tree(node)
    if height <= HEIGHT:
        check(tree, [(0, 9, A)])
        return
    for walk in (lambda: list(mt_for_each(tree)), lambda: mtree_load(tree, 0)):
        with pytest.raises(ValidationError, match="too deep"):
            walk()
