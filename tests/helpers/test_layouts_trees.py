"""Radix trees, XArrays and IDRs, made by hand."""

from __future__ import annotations

from mock_kernel import Kernel

from drgn import Object, Type, TypeMember
from drgn.helpers.linux import (
    address_space_for_each_page,
    idr_find,
    idr_for_each,
    radix_tree_for_each,
    radix_tree_lookup,
    xa_for_each,
    xa_load,
)
from drgn.helpers.linux.xarray import xa_entries

BASE = 0xFFFF888000010000


def radix_tree(kernel: Kernel, *slots: int) -> Type:
    """A root of Linux 4.9 to 4.19 whose node, at BASE, has these slots."""
    u8 = kernel.prog.int_type("u8", 1, False)
    entries = kernel.prog.array_type(kernel.pointer, len(slots))
    kernel.struct("radix_tree_node", shift=u8, slots=entries)
    kernel.words(BASE, 0, *slots)
    return kernel.struct("radix_tree_root", rnode=kernel.pointer)


def test_pages_in_a_radix_tree(kernel: Kernel) -> None:
    """The second bit says that an entry is no pointer, the first that it is a node."""
    kernel.struct("page", flags=kernel.ulong)
    first, second = BASE + 0x1000, BASE + 0x2000
    shadow, swap = 0x1232, 0x1236
    retry = 1
    root = radix_tree(kernel, first, shadow, 0, retry, second, swap, 0, 0)
    space = kernel.struct("address_space", page_tree=root)
    mapping = Object(kernel.prog, space, {"page_tree": {"rnode": BASE | 1}})
    kernel.memory(0x10, mapping.to_bytes_())
    pages = address_space_for_each_page(kernel.at(space, 0x10))
    assert [(index, page.value_()) for index, page in pages] == [
        (0, first),
        (4, second),
    ]
    tree = kernel.at(root, 0x10)
    assert [radix_tree_lookup(tree, index).value_() for index in range(6)] == [
        first, shadow, 0, 0, second, swap,
    ]  # fmt: skip
    found = {index: entry.value_() for index, entry in radix_tree_for_each(tree)}
    assert found == {0: first, 1: shadow, 4: second, 5: swap}


def test_siblings_in_a_radix_tree(kernel: Kernel) -> None:
    """An entry for several indices is in the first slot; others point to that slot."""
    first, large = BASE + 0x1000, BASE + 0x2000
    slots = BASE + 8
    sibling = slots + 8 * 2 | 1
    root = radix_tree(kernel, first, 0, large, sibling, sibling, sibling, 0, 0)
    kernel.words(0x10, BASE | 1)
    tree = kernel.at(root, 0x10)
    found = {index: entry.value_() for index, entry in radix_tree_for_each(tree)}
    assert found == {0: first, 2: large}
    assert [radix_tree_lookup(tree, index).value_() for index in range(7)] == [
        first, 0, large, large, large, large, 0,
    ]  # fmt: skip


def test_reserved_entries_of_an_xarray(kernel: Kernel) -> None:
    """Retry entries (1026) are nothing, zero entries (1030) only if one asks."""
    prog = kernel.prog
    retry, zero, large, entry = 1026, 1030, BASE + 0x1000, BASE + 0x2000
    sibling = 3 << 2 | 2
    slots = retry, zero, entry, large, sibling, sibling, 0, 0
    u8 = prog.int_type("u8", 1, False)
    entries = prog.array_type(kernel.pointer, len(slots))
    kernel.struct("xa_node", shift=u8, slots=entries)
    root = kernel.struct("xarray", xa_head=kernel.pointer)
    kernel.words(BASE, 0, *slots)
    kernel.words(0x10, BASE | 2, zero)
    tree = kernel.at(root, 0x10)

    def loaded(xa: Object, indices: int, **options: bool) -> list[int]:
        return [xa_load(xa, index, **options).value_() for index in range(indices)]

    def found(xa: Object, **options: bool) -> dict[int, int]:
        return {i: each.value_() for i, each in xa_for_each(xa, **options)}

    assert loaded(tree, 8) == [0, 0, entry, large, large, large, 0, 0]
    assert loaded(tree, 3, advanced=True) == [0, zero, entry]
    assert found(tree) == dict(xa_entries(tree)) == {2: entry, 3: large}
    assert found(tree, advanced=True) == {1: zero, 2: entry, 3: large}
    alone = kernel.at(root, 0x18)
    assert loaded(alone, 2) == [0, 0] and found(alone) == {}
    assert loaded(alone, 2, advanced=True) == [zero, 0]
    assert found(alone, advanced=True) == {0: zero}


def test_layers_of_an_idr(kernel: Kernel) -> None:
    """Before 4.11, ``struct idr_layer``; here with four entries in a layer."""
    prog = kernel.prog
    # Its entries are pointers to itself, at all but the lowest level.
    layer: Type = prog.struct_type(
        "idr_layer",
        40,
        [
            TypeMember(lambda: prog.array_type(prog.pointer_type(layer), 4), "ary"),
            TypeMember(kernel.int, "layer", 256),
        ],
    )
    kernel.types["idr_layer"] = layer
    idr = kernel.struct("idr", top=kernel.to(layer))
    top, low, high = BASE + 0x100, BASE + 0x200, BASE + 0x300
    kernel.words(BASE, top)
    kernel.words(top, low, 0, high, 0, 1)
    kernel.words(low, 0, 0x1001, 0, 0, 0)
    kernel.words(high, 0x1008, 0, 0, 0x100B, 0)
    tree = kernel.at(idr, BASE)
    found = [(id, entry.value_()) for id, entry in idr_for_each(tree)]
    assert found == [(1, 0x1001), (8, 0x1008), (11, 0x100B)]
    for id in range(-1, 20):
        assert idr_find(tree, id).value_() == dict(found).get(id, 0)
