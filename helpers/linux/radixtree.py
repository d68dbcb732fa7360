"""
Radix Trees
-----------

``drgn.helpers.linux.radixtree`` looks up and walks radix trees
(:linux:`include/linux/radix-tree.h`), which :mod:`XArrays
<drgn.helpers.linux.xarray>` replaced in Linux 4.20.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import IntegerLike, Object
from drgn.helpers.linux.xarray import xa_for_each, xa_load

__all__ = ("radix_tree_for_each", "radix_tree_lookup")


def radix_tree_lookup(root: Object, index: IntegerLike) -> Object:
    """Look up an entry of a radix tree.

    :param root: ``struct radix_tree_root *``
    :param index: Index.
    :return: ``void *`` entry, or ``NULL`` if there is none.

    >>> tree = path_lookup(prog, "/init").dentry.d_inode.i_mapping.i_pages.address_of_()
    >>> page_index(cast("struct page *", radix_tree_lookup(tree, 0)))
    (unsigned long)0
    """
    return xa_load(root, index)


def radix_tree_for_each(root: Object) -> Iterator[tuple[int, Object]]:
    """Iterate over the entries of a radix tree, in the order of their indices.

    :param root: ``struct radix_tree_root *``
    :return: Iterator of (index, ``void *``) tuples.

    >>> tree = path_lookup(prog, "/init").dentry.d_inode.i_mapping.i_pages.address_of_()
    >>> [index for index, entry in radix_tree_for_each(tree)][:2]
    [0, 1]
    """
    return xa_for_each(root)
