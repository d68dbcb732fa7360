"""Walks through trees of kernfs with links in them, made by hand."""

from __future__ import annotations

import pytest
from mock_kernel import Kernel

from drgn import NULL, Object, TypeMember
from drgn.helpers.linux import (
    kernfs_children,
    kernfs_name,
    kernfs_parent,
    kernfs_path,
    kernfs_root,
    kernfs_walk,
)

BASE = 0xFFFF888000010000
SIZE, NAMES = 0x100, 0x8000
DIR, FILE, LINK = 1, 2, 4
ROOT, OUTER, INNER, LEAF, TO_INNER, TO_ITSELF = range(6)
NAME = {OUTER: "outer", INNER: "inner", LEAF: "leaf", TO_INNER: "to", TO_ITSELF: "loop"}


def address(node: int) -> int:
    return BASE + SIZE * node


class Tree:
    """/outer/inner/leaf; /to, a link to /outer/inner; /outer/loop, one to itself."""

    def __init__(self, kernel: Kernel, parent: str) -> None:
        prog = kernel.prog
        rb = kernel.linked("rb_node", "__rb_parent_color", "rb_right", "rb_left")
        root = kernel.struct("kernfs_root", id=kernel.long)
        rb_root = kernel.struct("rb_root", rb_node=kernel.to(rb))
        directory = kernel.struct(
            "kernfs_elem_dir", children=rb_root, root=kernel.to(root)
        )
        char = prog.int_type("char", 1, True)

        def self_pointer() -> Object:
            return Object(prog, kernel.to(kernel.types["kernfs_node"]))

        kernel.types["kernfs_elem_symlink"] = prog.struct_type(
            "kernfs_elem_symlink", 8, [TypeMember(self_pointer, "target_kn")]
        )
        kind = prog.union_type(
            None,
            16,
            [
                TypeMember(directory, "dir"),
                TypeMember(kernel.types["kernfs_elem_symlink"], "symlink"),
            ],
        )
        self.type = kernel.types["kernfs_node"] = prog.struct_type(
            "kernfs_node",
            64,
            [
                TypeMember(self_pointer, parent),
                TypeMember(kernel.to(char), "name", 64),
                TypeMember(rb, "rb", 128),
                TypeMember(kind, None, 320),
                TypeMember(kernel.u32, "flags", 448),
            ],
        )
        self.kernel = kernel
        # Flags, the lowest of which are the kind; parent, first child, next one.
        rb_of = {node: address(node) + 16 for node in range(6)}
        for node, flags, parents, what, right in (
            (ROOT, DIR | 0x30, 0, rb_of[OUTER], 0),
            (OUTER, DIR, address(ROOT), rb_of[INNER], rb_of[TO_INNER]),
            (INNER, DIR, address(OUTER), rb_of[LEAF], rb_of[TO_ITSELF]),
            (LEAF, FILE | 0x40, address(INNER), 0, 0),
            (TO_INNER, LINK, address(ROOT), address(INNER), 0),
            (TO_ITSELF, LINK, address(OUTER), address(TO_ITSELF), 0),
        ):
            name = address(node) + 0x80
            kernel.memory(name, NAME.get(node, "").encode() + b"\0")
            kernel.words(
                address(node), parents, name, 1, right, 0, what, NAMES, flags
            )  # fmt: skip

    def at(self, node: int) -> Object:
        return self.kernel.at(self.type, address(node))


@pytest.fixture(params=["parent", "__parent"])
def tree(request: pytest.FixtureRequest, kernel: Kernel) -> Tree:
    return Tree(kernel, request.param)


@pytest.mark.parametrize(
    ("path", "node"),
    [
        ("", ROOT),
        ("/", ROOT),
        ("outer", OUTER),
        ("/outer//inner/", INNER),
        ("outer/inner/leaf", LEAF),
        ("outer/./inner/.", INNER),
        ("outer/inner/..", OUTER),
        ("outer/../outer", OUTER),
        ("..", ROOT),
        ("to/leaf", LEAF),
        ("to", INNER),
        ("to/..", OUTER),
        ("to/../inner", INNER),
        ("nope", None),
        ("outer/nope", None),
        ("outer/inner/leaf/more", None),
        ("outer/loop", None),
        ("outer/loop/more", None),
    ],
)
def test_walks(tree: Tree, path: str, node: int | None) -> None:
    found = kernfs_walk(tree.at(ROOT), path)
    assert found.value_() == (0 if node is None else address(node))
    assert found.type_ == tree.at(ROOT).type_


def test_links_themselves(tree: Tree) -> None:
    root = tree.at(ROOT)
    for path, node in (("to", TO_INNER), ("outer/loop", TO_ITSELF), ("to/leaf", LEAF)):
        assert kernfs_walk(root, path, False).value_() == address(node)


def test_names_of_nodes(tree: Tree) -> None:
    for node, path in ((ROOT, "/"), (OUTER, "/outer"), (LEAF, "/outer/inner/leaf")):
        found = tree.at(node)
        assert kernfs_path(found).decode() == path
        assert kernfs_name(found).decode() == (path.rsplit("/", 1)[1] or "/")
        assert kernfs_root(found).value_() == NAMES
    assert not kernfs_parent(tree.at(ROOT))
    assert kernfs_parent(tree.at(LEAF)).value_() == address(INNER)
    children = kernfs_children(tree.at(OUTER))
    assert [child.value_() for child in children] == [
        address(node) for node in (INNER, TO_ITSELF)
    ]
    for node in (LEAF, TO_INNER):
        with pytest.raises(ValueError, match="not a directory"):
            list(kernfs_children(tree.at(node)))
    null = NULL(tree.kernel.prog, tree.kernel.to(tree.type))
    assert kernfs_name(null) == kernfs_path(null) == b"(null)"


@pytest.mark.parametrize(("links", "arrives"), [(1, True), (40, True), (41, False)])
def test_chains_of_links(tree: Tree, links: int, arrives: bool) -> None:
    """As many are followed as the kernel follows in a path."""
    kernel, first = tree.kernel, BASE + 0x10000
    for i in range(links):
        target = first + SIZE * (i + 1) if i + 1 < links else address(LEAF)
        kernel.words(first + SIZE * i, address(ROOT), 0, 0, 0, 0, target, 0, LINK)
    found = kernfs_walk(kernel.at(tree.type, first), "")
    assert found.value_() == (address(LEAF) if arrives else 0)
