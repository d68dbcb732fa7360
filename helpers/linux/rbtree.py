"""
Red-Black Trees
---------------

``drgn.helpers.linux.rbtree`` walks, searches and checks red-black trees (``struct
rb_root``, ``struct rb_node``) of :linux:`include/linux/rbtree.h`.

Iterators stop with :class:`~drgn.helpers.ValidationError` where a tree is deeper
than any tree in memory can be, as one with a cycle is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from drgn import NULL, FaultError, Object, Program, Type, chains, container_of, offsetof
from drgn.helpers import ValidationError
from drgn.helpers.linux._raw import pointee, words

__all__ = (
    "RB_EMPTY_NODE",
    "RB_EMPTY_ROOT",
    "rb_find",
    "rb_first",
    "rb_last",
    "rb_next",
    "rb_parent",
    "rb_prev",
    "rbtree_inorder_for_each",
    "rbtree_inorder_for_each_entry",
    "rbtree_preorder_for_each",
    "rbtree_preorder_for_each_entry",
    "validate_rbtree",
    "validate_rbtree_inorder_for_each_entry",
)

KeyType = TypeVar("KeyType")

# A red-black tree of n nodes is at most 2 * log2(n + 1) deep.
_MAX_DEPTH = 128


def RB_EMPTY_ROOT(root: Object) -> bool:
    """Return whether a red-black tree is empty.

    :param root: ``struct rb_root *``

    >>> RB_EMPTY_ROOT(prog["free_vmap_area_root"].address_of_())
    False
    """
    return not root.rb_node


def RB_EMPTY_NODE(node: Object) -> bool:
    """Return whether a node is in no red-black tree.

    :param node: ``struct rb_node *``

    >>> RB_EMPTY_NODE(rb_first(prog["free_vmap_area_root"].address_of_()))
    False
    """
    return node.member_("__rb_parent_color").value_() == node.value_()


def rb_parent(node: Object) -> Object:
    """Return the parent of a node.

    :param node: ``struct rb_node *``
    :return: ``struct rb_node *``

    >>> rb_parent(prog["free_vmap_area_root"].rb_node)
    (struct rb_node *)0x0
    """
    parent = node.member_("__rb_parent_color").value_() & ~3
    return Object(node.prog_, node.type_, parent)


def rb_first(root: Object) -> Object:
    """Return the first node, in sort order, of a red-black tree.

    :param root: ``struct rb_root *``
    :return: ``struct rb_node *``, ``NULL`` if the tree is empty.

    >>> first = rb_first(prog["free_vmap_area_root"].address_of_())
    >>> hex(container_of(first, "struct vmap_area", "rb_node").va_start)
    '0xffffd11c00000000'
    """
    return _descend(root.rb_node.read_(), "rb_left")


def rb_last(root: Object) -> Object:
    """Return the last node, in sort order, of a red-black tree.

    :param root: ``struct rb_root *``
    :return: ``struct rb_node *``, ``NULL`` if the tree is empty.

    >>> last = rb_last(prog["free_vmap_area_root"].address_of_())
    >>> hex(container_of(last, "struct vmap_area", "rb_node").va_start)
    '0xffffffffc04b0000'
    """
    return _descend(root.rb_node.read_(), "rb_right")


def rb_next(node: Object) -> Object:
    """Return the node after a node in sort order.

    :param node: ``struct rb_node *``
    :return: ``struct rb_node *``, ``NULL`` if *node* is the last one or empty.

    >>> first = rb_first(prog["free_vmap_area_root"].address_of_())
    >>> rb_prev(rb_next(first)) == first
    True
    """
    return _neighbor(node, "rb_right", "rb_left")


def rb_prev(node: Object) -> Object:
    """Return the node before a node in sort order.

    :param node: ``struct rb_node *``
    :return: ``struct rb_node *``, ``NULL`` if *node* is the first one or empty.

    >>> rb_prev(rb_first(prog["free_vmap_area_root"].address_of_()))
    (struct rb_node *)0x0
    """
    return _neighbor(node, "rb_left", "rb_right")


def _descend(node: Object, side: str) -> Object:
    """Return the last node that following *side* from a node leads to."""
    if not node:
        return node
    for _ in range(_MAX_DEPTH):
        child = node.member_(side).read_()
        if not child:
            return node
        node = child
    raise ValidationError("red-black tree is too deep")


def _neighbor(node: Object, side: str, other_side: str) -> Object:
    node = node.read_()
    if RB_EMPTY_NODE(node):
        return NULL(node.prog_, node.type_)
    child = node.member_(side).read_()
    if child:
        return _descend(child, other_side)
    for _ in range(_MAX_DEPTH):
        parent = rb_parent(node)
        if not parent or parent.member_(side).value_() != node.value_():
            return parent
        node = parent
    raise ValidationError("red-black tree is too deep")


def rb_find(
    type: str | Type,
    root: Object,
    member: str,
    key: KeyType,
    cmp: Callable[[KeyType, Object], int],
) -> Object:
    """Search a red-black tree for a key.

    :param type: Entry type.
    :param root: ``struct rb_root *``
    :param member: Name of the ``struct rb_node`` member in the entry type.
    :param key: Key to find.
    :param cmp: Function of the key and an entry that returns < 0 if the key is less
        than the entry, > 0 if it is greater, and 0 if it matches.
    :return: ``type *`` entry, or ``NULL`` if there is none.
    :raises ValidationError: if the way down does not end

    >>> def cmp(address, area):
    ...     start = area.va_start.value_()
    ...     return (address > start) - (address < start)
    ...
    >>> root = prog["free_vmap_area_root"].address_of_()
    >>> rb_find("struct vmap_area", root, "rb_node", 0, cmp)
    (struct vmap_area *)0x0
    """
    prog = root.prog_
    type = prog.type(type)
    node = root.rb_node.read_()
    for _ in range(_MAX_DEPTH):
        if not node:
            return NULL(prog, prog.pointer_type(type))
        entry = container_of(node, type, member)
        order = cmp(key, entry)
        if order == 0:
            return entry
        node = (node.rb_left if order < 0 else node.rb_right).read_()
    raise ValidationError("red-black tree is too deep")


def rbtree_inorder_for_each(root: Object) -> Iterator[Object]:
    """Iterate over the nodes of a red-black tree, in sort order.

    :param root: ``struct rb_root *``
    :return: Iterator of ``struct rb_node *`` objects.

    >>> next(rbtree_inorder_for_each(prog["free_vmap_area_root"].address_of_())).type_
    struct rb_node *
    """
    return _nodes(root, _inorder)


def rbtree_inorder_for_each_entry(
    type: str | Type, root: Object, member: str
) -> Iterator[Object]:
    """Iterate over the entries of a red-black tree, in sort order.

    :param type: Entry type.
    :param root: ``struct rb_root *``
    :param member: Name of the ``struct rb_node`` member in the entry type.
    :return: Iterator of ``type *`` objects.

    >>> root = prog["free_vmap_area_root"].address_of_()
    >>> area = next(rbtree_inorder_for_each_entry("struct vmap_area", root, "rb_node"))
    >>> hex(area.va_start)
    '0xffffd11c00000000'
    """
    return _entries(type, root, member, _inorder)


def rbtree_preorder_for_each(root: Object) -> Iterator[Object]:
    """Iterate over the nodes of a red-black tree, each one before its children.

    :param root: ``struct rb_root *``
    :return: Iterator of ``struct rb_node *`` objects.

    >>> root = prog["free_vmap_area_root"].address_of_()
    >>> next(rbtree_preorder_for_each(root)) == root.rb_node
    True
    """
    return _nodes(root, _preorder)


def rbtree_preorder_for_each_entry(
    type: str | Type, root: Object, member: str
) -> Iterator[Object]:
    """Iterate over the entries of a red-black tree, each one before its children.

    :param type: Entry type.
    :param root: ``struct rb_root *``
    :param member: Name of the ``struct rb_node`` member in the entry type.
    :return: Iterator of ``type *`` objects.

    >>> root = prog["free_vmap_area_root"].address_of_()
    >>> next(rbtree_preorder_for_each_entry("struct vmap_area", root, "rb_node")).type_
    struct vmap_area *
    """
    return _entries(type, root, member, _preorder)


def rbtree_addresses(
    root: Object, inorder: bool, lost: list[FaultError] | None = None
) -> Iterator[int]:
    """Iterate over the addresses of the nodes of a red-black tree.

    :param root: ``struct rb_root *``
    :param inorder: Whether in sort order, rather than each node before its children.
    :param lost: Takes the errors of nodes that cannot be read, below which nothing is
        known. Without it, the first such node ends the walk.
    """
    first = root.rb_node
    reader = _NodeReader.of(root.prog_, pointee(first))
    if lost is not None:
        reader = reader.losing(lost)
    return (_inorder if inorder else _preorder)(reader, first.value_())


def _nodes(
    root: Object, order: Callable[[_NodeReader, int], Iterator[int]]
) -> Iterator[Object]:
    prog = root.prog_
    first = root.rb_node
    nodes = order(_NodeReader.of(prog, pointee(first)), first.value_())
    yield from chains.pointers(first.type_, nodes)


def _entries(
    type: str | Type,
    root: Object,
    member: str,
    order: Callable[[_NodeReader, int], Iterator[int]],
) -> Iterator[Object]:
    prog = root.prog_
    type = prog.type(type)
    pointer = prog.pointer_type(type)
    offset = offsetof(type, member)
    first = root.rb_node
    nodes = order(_NodeReader.of(prog, pointee(first)), first.value_())
    yield from chains.pointers(pointer, nodes, offset)


class _NodeReader(NamedTuple):
    """Reads the words of a ``struct rb_node`` at once."""

    read: Callable[[int], tuple[int, ...]]
    parent: int
    left: int
    right: int

    @classmethod
    def of(cls, prog: Program, type: Type) -> _NodeReader:
        size = prog.address_size()
        indices = [
            offsetof(type, name) // size
            for name in ("__rb_parent_color", "rb_left", "rb_right")
        ]
        return cls(words(prog, max(indices) + 1), *indices)

    def losing(self, lost: list[FaultError]) -> _NodeReader:
        """The same, to which a node that cannot be read has no children."""
        childless = (0,) * (1 + max(self[1:]))

        def read(address: int) -> tuple[int, ...]:
            try:
                return self.read(address)
            except FaultError as error:
                lost.append(error)
                return childless

        return self._replace(read=read)


def _inorder(reader: _NodeReader, address: int) -> Iterator[int]:
    read, _, left, right = reader
    # Nodes whose left subtree is done, with their depths and right children.
    path: list[tuple[int, int, int]] = []
    depth = 0
    while address or path:
        while address:
            depth += 1
            if depth > _MAX_DEPTH:
                raise ValidationError("red-black tree is too deep")
            node = read(address)
            path.append((address, depth, node[right]))
            address = node[left]
        address, depth, child = path.pop()
        yield address
        address = child


def _preorder(reader: _NodeReader, address: int) -> Iterator[int]:
    read, _, left, right = reader
    todo = [(address, 1)] if address else []
    while todo:
        address, depth = todo.pop()
        if depth > _MAX_DEPTH:
            raise ValidationError("red-black tree is too deep")
        yield address
        node = read(address)
        for child in (node[right], node[left]):
            if child:
                todo.append((child, depth + 1))


def validate_rbtree(
    type: str | Type,
    root: Object,
    member: str,
    cmp: Callable[[Object, Object], int],
    allow_equal: bool,
) -> None:
    """Check a red-black tree.

    The entries must be in the order of *cmp*, every node must be its children's
    parent, the root must be black, no red node may have a red child, and all paths
    from a node down to a leaf must have the same number of black nodes.

    :param type: Entry type.
    :param root: ``struct rb_root *``
    :param member: Name of the ``struct rb_node`` member in the entry type.
    :param cmp: Function of two entries that returns < 0, 0 or > 0 as the first one
        is less than, equal to or greater than the second.
    :param allow_equal: Whether entries may be equal.
    :raises ValidationError: if the tree is invalid

    >>> def cmp(a, b):
    ...     a, b = a.va_start.value_(), b.va_start.value_()
    ...     return (a > b) - (a < b)
    ...
    >>> root = prog["free_vmap_area_root"].address_of_()
    >>> validate_rbtree("struct vmap_area", root, "rb_node", cmp, allow_equal=False)
    """
    for _ in validate_rbtree_inorder_for_each_entry(
        type, root, member, cmp, allow_equal
    ):
        pass


def validate_rbtree_inorder_for_each_entry(
    type: str | Type,
    root: Object,
    member: str,
    cmp: Callable[[Object, Object], int],
    allow_equal: bool,
) -> Iterator[Object]:
    """Iterate over a red-black tree in sort order, checking it.

    See :func:`validate_rbtree()`.

    :param type: Entry type.
    :param root: ``struct rb_root *``
    :param member: Name of the ``struct rb_node`` member in the entry type.
    :param cmp: Function of two entries; see :func:`validate_rbtree()`.
    :param allow_equal: Whether entries may be equal.
    :return: Iterator of ``type *`` objects.
    :raises ValidationError: if the tree is invalid

    >>> def cmp(a, b):
    ...     a, b = a.va_start.value_(), b.va_start.value_()
    ...     return (a > b) - (a < b)
    ...
    >>> root = prog["free_vmap_area_root"].address_of_()
    >>> areas = validate_rbtree_inorder_for_each_entry(
    ...     "struct vmap_area", root, "rb_node", cmp, allow_equal=False
    ... )
    >>> next(areas).type_
    struct vmap_area *
    """
    prog = root.prog_
    type = prog.type(type)
    first = root.rb_node
    reader = _NodeReader.of(prog, pointee(first))
    order = _Order(prog.pointer_type(type), offsetof(type, member), cmp, allow_equal)
    previous: Object | None = None
    for address in _validated(reader, first, order):
        entry = order.entry(address)
        if previous is not None:
            order.check_successor(previous, entry)
        yield entry
        previous = entry


class _Order(NamedTuple):
    """The order in which the entries of a tree must be."""

    pointer: Type
    """Type of pointers to entries."""
    offset: int
    """Offset of the node in an entry, in bytes."""
    cmp: Callable[[Object, Object], int]
    allow_equal: bool

    def entry(self, address: int) -> Object:
        """Return the entry of the node at an address."""
        return Object(self.pointer.prog, self.pointer, address - self.offset)

    def check_child(self, node: int, child: int, side: str) -> None:
        """Check a node, and its child on the "left" or "right", by their addresses."""
        entry, below = self.entry(node), self.entry(child)
        order = self.cmp(below, entry)
        if order == 0 and not self.allow_equal:
            wrong = "equal to"
        elif side == "left" and order > 0:
            wrong = "greater than"
        elif side == "right" and order < 0:
            wrong = "less than"
        else:
            return
        raise ValidationError(
            f"{entry.format_(dereference=False)} {side} child {below.value_():#x}"
            f" compares {wrong} it"
        )

    def check_successor(self, previous: Object, entry: Object) -> None:
        """Check two entries of which one comes after the other in the tree."""
        order = self.cmp(previous, entry)
        if order < 0 or (order == 0 and self.allow_equal):
            return
        one = entry.format_(dereference=False)
        other = previous.format_(dereference=False)
        if order == 0:
            raise ValidationError(f"{one} is equal to {other}")
        raise ValidationError(f"{one} is less than {other}, which precedes it")


def _validated(reader: _NodeReader, root: Object, order: _Order) -> Iterator[int]:
    """Iterate like _inorder(), checking parents, colors, black heights and children."""
    read, parent_index, left, right = reader

    def text(address: int) -> str:
        return f"({root.type_.type_name()}){address:#x}"

    def check(address: int, node: tuple[int, ...], side: str) -> None:
        above, is_black = node[parent_index] & ~3, node[parent_index] & 1
        if not path:
            if above:
                raise ValidationError(
                    f"root node {text(address)} has parent {above:#x}"
                )
            if not is_black:
                raise ValidationError(f"root node {text(address)} is red")
            return
        parent, parent_node, _ = path[-1]
        if above != parent:
            raise ValidationError(
                f"{text(parent)} rb_{side} {address:#x} has rb_parent {above:#x}"
            )
        if not is_black and not parent_node[parent_index] & 1:
            raise ValidationError(f"red node {text(parent)} has red child {address:#x}")
        order.check_child(parent, address, side)

    # Nodes above, each with the black height of its left subtree once that is done.
    path: list[tuple[int, tuple[int, ...], int | None]] = []
    address, side = root.value_(), "left"
    while True:
        while address:
            if len(path) >= _MAX_DEPTH:
                raise ValidationError("red-black tree is too deep")
            node = read(address)
            check(address, node, side)
            path.append((address, node, None))
            address, side = node[left], "left"
        height = 0
        while path:
            address, node, left_height = path.pop()
            if left_height is None:
                path.append((address, node, height))
                yield address
                address, side = node[right], "right"
                break
            if left_height != height:
                raise ValidationError(
                    f"left and right subtrees of {text(address)} have unequal black"
                    f" heights ({left_height} != {height})"
                )
            height += node[parent_index] & 1
        else:
            return
