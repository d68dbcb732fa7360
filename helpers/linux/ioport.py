"""
I/O Resources
-------------

``drgn.helpers.linux.ioport`` walks trees of resources, e.g., I/O ports and physical
addresses (:linux:`include/linux/ioport.h`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drgn import Object

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("for_each_resource",)


def for_each_resource(root: Object) -> Iterator[Object]:
    """Iterate over a resource and all that are in it, each before its children.

    :param root: ``struct resource *``, e.g., ``&iomem_resource``.
    :return: Iterator of ``struct resource *`` objects, *root* first.

    >>> root = prog["iomem_resource"].address_of_()
    >>> [each.name.string_() for each in for_each_resource(root)][:2]
    [b'PCI mem', b'Reserved']
    """
    todo = [root.read_()]
    while todo:
        resource = todo.pop()
        yield resource
        children = []
        child = resource.child.read_()
        while child:
            children.append(child)
            child = child.sibling.read_()
        todo.extend(reversed(children))
