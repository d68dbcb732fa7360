"""
I/O Resources
-------------

``drgn.helpers.linux.ioport`` walks trees of resources, e.g., I/O ports and physical
addresses (:linux:`include/linux/ioport.h`).
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object
from drgn.helpers import ValidationError
from drgn.helpers.linux._raw import chain

__all__ = ("for_each_resource",)


def for_each_resource(root: Object) -> Iterator[Object]:
    """Iterate over a resource and all that are in it, each before its children.

    :param root: ``struct resource *``, e.g., ``&iomem_resource``.
    :return: Iterator of ``struct resource *`` objects, *root* first.
    :raises ValidationError: if a resource is in itself

    >>> root = prog["iomem_resource"].address_of_()
    >>> [each.name.string_() for each in for_each_resource(root)][:2]
    [b'PCI mem', b'Reserved']
    """
    todo = [root.read_()]
    seen = set()
    while todo:
        resource = todo.pop()
        address = resource.value_()
        if address in seen:
            raise ValidationError(f"resource {address:#x} is there twice")
        seen.add(address)
        yield resource
        todo.extend(reversed(list(chain(resource.child, "sibling"))))
