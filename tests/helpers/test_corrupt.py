"""Data structures that contradict themselves end in an error, never in a hang."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

import pytest
from mock_kernel import Kernel

from drgn import FaultError, Object, Program, Type, TypeMember
from drgn.helpers import ValidationError
from drgn.helpers.linux.bitops import for_each_clear_bit, for_each_set_bit
from drgn.helpers.linux.list import (
    hlist_for_each,
    list_count_nodes,
    list_empty,
    list_for_each,
    list_for_each_entry,
    list_for_each_entry_reverse,
    list_is_singular,
    validate_list,
    validate_list_count_nodes,
)
from drgn.helpers.linux.llist import llist_for_each
from drgn.helpers.linux.mapletree import mt_for_each
from drgn.helpers.linux.rbtree import (
    rb_first,
    rb_next,
    rbtree_inorder_for_each,
    rbtree_preorder_for_each,
    validate_rbtree,
)
from drgn.helpers.linux.sbitmap import sbitmap_for_each_set
from drgn.helpers.linux.xarray import xa_for_each, xa_load

BASE = 0xFFFF000000000000


class Memory:
    """Words of memory that tests write to before helpers read them."""

    def __init__(self, prog: Program, size: int = 4096) -> None:
        self.prog = prog
        self.bytes = bytearray(size)
        prog.add_memory_segment(BASE, size, self._read)

    def _read(self, address: int, count: int, offset: int, physical: bool) -> bytes:
        return bytes(self.bytes[offset : offset + count])

    def write(self, address: int, *words: int) -> None:
        struct.pack_into(f"<{len(words)}Q", self.bytes, address - BASE, *words)


@pytest.fixture
def memory(mock: Program) -> Memory:
    return Memory(mock)


def linked(prog: Program, tag: str, *names: str) -> Type:
    """A structure of pointers to itself."""
    type: Type = prog.struct_type(
        tag,
        8 * len(names),
        [
            TypeMember(lambda: prog.pointer_type(type), name, 64 * i)
            for i, name in enumerate(names)
        ],
    )
    return type


def node(i: int) -> int:
    return BASE + 0x40 * (i + 1)


def list_head(memory: Memory, order: list[int]) -> Object:
    """A list whose head is at BASE and whose nodes come in an order."""
    prog = memory.prog
    addresses = [BASE, *map(node, order), BASE]
    for before, address, after in zip(
        [addresses[-2], *addresses], addresses[:-1], addresses[1:], strict=False
    ):
        memory.write(address, after, before)
    return Object(
        prog, prog.pointer_type(linked(prog, "list_head", "next", "prev")), BASE
    )


def test_good_list(memory: Memory) -> None:
    head = list_head(memory, [2, 0, 1])
    assert [n.value_() for n in list_for_each(head)] == [node(2), node(0), node(1)]
    assert list_count_nodes(head) == validate_list_count_nodes(head) == 3
    assert not list_empty(head) and not list_is_singular(head)


def test_empty_and_singular_list(memory: Memory) -> None:
    head = list_head(memory, [])
    assert list_empty(head) and list(list_for_each(head)) == []
    head = list_head(memory, [1])
    assert list_is_singular(head)


def test_entries(memory: Memory) -> None:
    head = list_head(memory, [0, 1])
    prog = memory.prog
    list_type = head.type_.type
    entry = prog.struct_type(
        "entry",
        24,
        [
            TypeMember(prog.int_type("long", 8, True), "n"),
            TypeMember(list_type, "l", 64),
        ],
    )
    entries = list(list_for_each_entry(entry, head, "l"))
    assert [e.value_() for e in entries] == [node(0) - 8, node(1) - 8]
    assert entries[0].type_ == prog.pointer_type(entry)
    back = [e.value_() for e in list_for_each_entry_reverse(entry, head, "l")]
    assert back == [node(1) - 8, node(0) - 8]
    with pytest.raises(LookupError):
        next(list_for_each_entry(entry, head, "nope"))


@pytest.mark.parametrize("length", [1, 2, 7, 64, 65, 200])
@pytest.mark.parametrize("tail", [0, 1, 63, 64, 100])
def test_list_with_cycle(mock: Program, length: int, tail: int) -> None:
    memory = Memory(mock, 0x40 * 400)
    head = list_head(memory, list(range(tail + length)))
    memory.write(node(tail + length - 1), node(tail))
    with pytest.raises(ValidationError, match="cycle"):
        for _ in list_for_each(head):
            pass


def test_validate_list(memory: Memory) -> None:
    head = list_head(memory, [0, 1, 2])
    validate_list(head)
    memory.write(node(1) + 8, node(2))
    with pytest.raises(ValidationError) as info:
        validate_list(head)
    assert str(info.value) == (
        f"(struct list_head *){node(0):#x} next {node(1):#x} has prev {node(2):#x}"
    )


def test_list_through_unmapped_memory(memory: Memory) -> None:
    head = list_head(memory, [0, 1])
    memory.write(node(0), 0x1000)
    with pytest.raises(FaultError):
        list(list_for_each(head))


@pytest.mark.parametrize("walk", [hlist_for_each, llist_for_each])
def test_chain_with_cycle(
    memory: Memory, walk: Callable[[Object], Iterator[Object]]
) -> None:
    prog = memory.prog
    node_type = linked(prog, "hlist_node", "next", "pprev")
    pointer = prog.pointer_type(node_type)
    for i in range(3):
        memory.write(node(i), node(i + 1) if i < 2 else node(1))
    if walk is hlist_for_each:
        head_type = prog.struct_type("hlist_head", 8, [TypeMember(pointer, "first")])
        memory.write(BASE, node(0))
        start = Object(prog, prog.pointer_type(head_type), BASE)
    else:
        start = Object(prog, pointer, node(0))
    with pytest.raises(ValidationError, match="cycle"):
        list(walk(start))
    memory.write(node(2), 0)
    assert [n.value_() for n in walk(start)] == [node(0), node(1), node(2)]


def rb_root(memory: Memory, root: int) -> Object:
    prog = memory.prog
    unsigned_long = prog.int_type("unsigned long", 8, False)
    rb_node: Type = prog.struct_type(
        "rb_node",
        24,
        [
            TypeMember(unsigned_long, "__rb_parent_color"),
            TypeMember(lambda: prog.pointer_type(rb_node), "rb_right", 64),
            TypeMember(lambda: prog.pointer_type(rb_node), "rb_left", 128),
        ],
    )
    root_type = prog.struct_type(
        "rb_root", 8, [TypeMember(prog.pointer_type(rb_node), "rb_node")]
    )
    memory.write(BASE, root)
    return Object(prog, prog.pointer_type(root_type), BASE)


BLACK = 1
RB_NODE = "(struct rb_node *)"


def good_tree(memory: Memory) -> Object:
    """1 (black) with 0 and 2 (red)."""
    memory.write(node(1), 0 | BLACK, node(2), node(0))
    memory.write(node(0), node(1), 0, 0)
    memory.write(node(2), node(1), 0, 0)
    return rb_root(memory, node(1))


def by_address(a: Object, b: Object) -> int:
    return (a.value_() > b.value_()) - (a.value_() < b.value_())


def check(root: Object) -> None:
    prog = root.prog_
    node_type = root.rb_node.type_.type
    entry = prog.struct_type("entry", 24, [TypeMember(node_type, "node")])
    validate_rbtree(entry, root, "node", by_address, False)


def test_good_tree(memory: Memory) -> None:
    root = good_tree(memory)
    in_order = [n.value_() for n in rbtree_inorder_for_each(root)]
    assert in_order == [node(0), node(1), node(2)]
    preorder = [n.value_() for n in rbtree_preorder_for_each(root)]
    assert preorder == [node(1), node(0), node(2)]
    first = rb_first(root)
    assert first.value_() == node(0)
    assert rb_next(first).value_() == node(1)
    assert rb_next(rb_next(first)).value_() == node(2)
    assert not rb_next(rb_next(rb_next(first)))
    check(root)


@pytest.mark.parametrize(
    ("address", "words", "message"),
    [
        (
            node(0),
            (node(2), 0, 0),
            f"{RB_NODE}{node(1):#x} rb_left {node(0):#x} has rb_parent {node(2):#x}",
        ),
        (
            node(1),
            (node(3) | BLACK, node(2), node(0)),
            f"root node {RB_NODE}{node(1):#x} has parent {node(3):#x}",
        ),
        (
            node(1),
            (0, node(2), node(0)),
            f"root node {RB_NODE}{node(1):#x} is red",
        ),
        (
            node(0),
            (node(1) | BLACK, 0, 0),
            f"left and right subtrees of {RB_NODE}{node(1):#x} have unequal black"
            " heights (1 != 0)",
        ),
        (
            node(1),
            (BLACK, node(0), node(2)),
            f"(struct entry *){node(1):#x} left child {node(2):#x} compares greater"
            " than it",
        ),
        (
            node(1),
            (BLACK, node(0), 0),
            f"(struct entry *){node(1):#x} right child {node(0):#x} compares less than"
            " it",
        ),
    ],
)
def test_validate_rbtree(
    memory: Memory, address: int, words: tuple[int, ...], message: str
) -> None:
    root = good_tree(memory)
    memory.write(address, *words)
    with pytest.raises(ValidationError, match=f"^{re.escape(message)}$"):
        check(root)


def test_red_child_of_red_node(memory: Memory) -> None:
    root = good_tree(memory)
    memory.write(node(2), node(1), node(3), 0)
    memory.write(node(3), node(2), 0, 0)
    message = f"red node {RB_NODE}{node(2):#x} has red child {node(3):#x}"
    with pytest.raises(ValidationError, match=re.escape(message)):
        check(root)


def test_order_of_nodes_that_are_far_apart(memory: Memory) -> None:
    """Each child is on the right side of its parent, but 2 is left of 1."""
    root = good_tree(memory)
    memory.write(node(1), BLACK, node(3), node(0))
    memory.write(node(0), node(1) | BLACK, node(2), 0)
    memory.write(node(2), node(0), 0, 0)
    memory.write(node(3), node(1) | BLACK, 0, 0)
    with pytest.raises(ValidationError, match=f"{node(2):#x}, which precedes it"):
        check(root)


@pytest.mark.parametrize("side", [8, 16])
@pytest.mark.parametrize("walk", [rbtree_inorder_for_each, rbtree_preorder_for_each])
def test_tree_with_cycle(
    memory: Memory, walk: Callable[[Object], Iterator[Object]], side: int
) -> None:
    root = good_tree(memory)
    memory.write(node(2) + side, node(1))
    with pytest.raises(ValidationError, match="too deep"):
        list(walk(root))
    with pytest.raises(ValidationError):
        check(root)


def xarray(memory: Memory, head: int) -> Object:
    """An XArray with nodes of 4 slots, the types of which a finder has."""
    prog = memory.prog
    void_p = prog.pointer_type(prog.void_type())
    xa_node = prog.struct_type(
        "xa_node",
        48,
        [
            TypeMember(prog.int_type("unsigned char", 1, False), "shift"),
            TypeMember(prog.array_type(void_p, 4), "slots", 128),
        ],
    )
    types = {"xa_node": xa_node}
    prog.register_type_finder(
        "mock", lambda prog, kinds, name, filename: types.get(name), enable_index=0
    )
    xa_type = prog.struct_type("xarray", 8, [TypeMember(void_p, "xa_head")])
    memory.write(BASE, head)
    return Object(prog, prog.pointer_type(xa_type), BASE)


INTERNAL = 2
ZERO_ENTRY = 0x406


def test_xarray(memory: Memory) -> None:
    memory.write(node(0), 2, 0, node(1) | INTERNAL, 0, 0x5000, 0)
    # A value, a zero entry, and an entry for two indices.
    memory.write(node(1), 0, 0, 7 << 1 | 1, ZERO_ENTRY, 0x6000, 2 << 2 | INTERNAL)
    xa = xarray(memory, node(0) | INTERNAL)
    entries = [(i, entry.value_()) for i, entry in xa_for_each(xa)]
    assert entries == [(0, 15), (2, 0x6000), (8, 0x5000)]
    advanced = [i for i, _ in xa_for_each(xa, advanced=True)]
    assert advanced == [0, 1, 2, 8]
    assert xa_load(xa, 3).value_() == 0x6000
    assert xa_load(xa, 1).value_() == 0
    assert xa_load(xa, 1, advanced=True).value_() == ZERO_ENTRY
    assert xa_load(xa, 9).value_() == 0x5000 or not xa_load(xa, 4)
    assert not xa_load(xa, 16) and not xa_load(xa, 1 << 70)


def test_xarray_of_one_entry(memory: Memory) -> None:
    xa = xarray(memory, 0x7000)
    assert [(i, e.value_()) for i, e in xa_for_each(xa)] == [(0, 0x7000)]
    assert xa_load(xa, 0).value_() == 0x7000 and not xa_load(xa, 1)


def test_xarray_with_cycle(memory: Memory) -> None:
    memory.write(node(0), 2, 0, node(0) | INTERNAL, 0, 0, 0)
    xa = xarray(memory, node(0) | INTERNAL)
    with pytest.raises(ValidationError, match="shift"):
        list(xa_for_each(xa))
    with pytest.raises(ValidationError, match="shift"):
        xa_load(xa, 0)


def test_bitmap_whose_size_is_wrong(memory: Memory) -> None:
    prog = memory.prog
    memory.write(BASE, 1 << 3, 1)
    pointer = prog.pointer_type(prog.int_type("unsigned long", 8, False))
    bits = for_each_set_bit(Object(prog, pointer, BASE), 2**32 - 1)
    assert [next(bits), next(bits)] == [3, 64]
    with pytest.raises(FaultError):
        next(bits)
    clear = for_each_clear_bit(Object(prog, pointer, BASE), 2**32 - 1)
    assert [next(clear) for _ in range(4)] == [0, 1, 2, 4]


@pytest.mark.parametrize("shift", [7, 31, 2**32 - 1])
def test_sbitmap_whose_words_are_too_long(kernel: Kernel, shift: int) -> None:
    word = kernel.struct("sbitmap_word", word=kernel.ulong)
    sbitmap = kernel.struct(
        "sbitmap",
        depth=kernel.u32,
        shift=kernel.u32,
        map_nr=kernel.u32,
        map=kernel.to(word),
    )
    kernel.words(BASE, 2**32 - 1, shift, 1, BASE + 32, 5)
    sb = kernel.at(sbitmap, BASE)
    with pytest.raises(ValidationError, match=rf"has words of 2\^{shift} bits"):
        list(sbitmap_for_each_set(sb))
    kernel.words(BASE, 3, 6, 2**32 - 1)
    assert list(sbitmap_for_each_set(sb)) == [0, 2]


def test_maple_tree_with_cycle(live: Program) -> None:
    """A root that is its own child, in the kernel's own types."""
    prog = live
    try:
        prog.type("struct maple_tree")
    except LookupError:
        pytest.skip("this kernel has no struct maple_tree")  # before 6.1
    address = 0x1000
    size = 256
    node_entry = address | 2 << 3 | 2  # maple_range_64
    words = [0] * (size // 8)
    words[1] = 0x1000  # pivot
    words[16] = address | 2 << 3 | 4  # slot
    data = struct.pack(f"<{len(words)}Q", *words)
    prog.add_memory_segment(
        address, size, lambda a, count, offset, physical: data[offset : offset + count]
    )
    tree = Object(prog, "struct maple_tree", {"ma_root": node_entry})
    with pytest.raises(ValidationError, match="too deep"):
        list(mt_for_each(tree))
