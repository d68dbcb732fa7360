"""
Arrays
------

``drgn.helpers.arrays`` returns what other helpers iterate over as numpy arrays: the
addresses of objects, which :meth:`drgn.Program.gather()` and :func:`drgn.columns()`
read, or values. A walk over a million objects takes seconds as a loop and milliseconds
here.

.. code-block:: python3

    from drgn import columns
    from drgn.helpers import arrays

    dentries = arrays.slab_objects(find_slab_cache("dentry"))
    found = columns(dentries, "d_inode->i_ino", type="struct dentry", prog=prog)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drgn import BadDataError, Object, Type, offsetof
from drgn.helpers import ValidationError
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux import (
    _free_pages,
    _page_arrays,
    _slab_arrays,
    _slab_usage,
    _task_arrays,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = (
    "free_pages",
    "hlist_entries",
    "hlist_table_entries",
    "inodes",
    "list_entries",
    "page_chunks",
    "page_flags",
    "slab_objects",
    "slab_usage",
    "slabs",
    "task_vmas",
    "tasks",
    "vmas",
)

free_pages = takes_program_or_default(_free_pages.free_pages)
page_chunks = takes_program_or_default(_page_arrays.page_chunks)
page_flags = takes_program_or_default(_page_arrays.page_flags)
slab_objects = _slab_arrays.slab_objects
slabs = _slab_arrays.slabs
slab_usage = takes_program_or_default(_slab_usage.slab_usage)
task_vmas = takes_program_or_default(_task_arrays.task_vmas)
tasks = takes_program_or_default(_task_arrays.tasks)
vmas = _task_arrays.vmas


def list_entries(type: str | Type, head: Object, member: str) -> NDArray[np.uint64]:
    """Return the addresses of the entries of a list.

    See :func:`~drgn.helpers.linux.list.list_for_each_entry()`.

    :param type: Entry type.
    :param head: ``struct list_head *``
    :param member: Name of the list node member in the entry type.
    :return: uint64[n], in order.
    :raises ValidationError: if the list runs into a cycle

    >>> from drgn.helpers import arrays
    >>> modules = prog["modules"].address_of_()
    >>> entries = arrays.list_entries("struct module", modules, "list")
    >>> drgn.columns(entries, "name", type="struct module", prog=prog)["name"][:2]
    masked_array(data=[b'raid1', b'md_mod'],
                 mask=[False, False],
           fill_value=b'N/A',
                dtype='|S56')
    """
    return _entries(type, head, head.next, member)


def hlist_entries(type: str | Type, head: Object, member: str) -> NDArray[np.uint64]:
    """Return the addresses of the entries of a hash bucket's list.

    See :func:`~drgn.helpers.linux.list.hlist_for_each_entry()`.

    :param type: Entry type.
    :param head: ``struct hlist_head *``
    :param member: Name of the list node member in the entry type.
    :return: uint64[n], in order.
    :raises ValidationError: if the list runs into a cycle

    >>> from drgn.helpers import arrays
    >>> tasks = find_task(1).thread_pid.tasks[prog["PIDTYPE_PID"]].address_of_()
    >>> entries = arrays.hlist_entries("struct task_struct", tasks, "pid_links[0]")
    >>> entries[0] == find_task(1).value_()
    np.True_
    """
    return _entries(type, None, head.first, member)


def hlist_table_entries(
    type: str | Type, table: Object, member: str
) -> NDArray[np.uint64]:
    """Return the addresses of all entries of a hash table.

    :param type: Entry type.
    :param table: ``struct hlist_head []``; of a pointer, make an array with
        ``table[:size]``.
    :param member: Name of the list node member in the entry type.
    :return: uint64[n], bucket by bucket.
    :raises ValidationError: if the list of a bucket runs into a cycle

    >>> from drgn.helpers import arrays
    >>> table = prog["uidhash_table"]
    >>> users = arrays.hlist_table_entries("struct user_struct", table, "uidhash_node")
    >>> find_user(0).value_() in users
    True
    """
    import numpy as np

    prog = table.prog_
    first = prog.read_array("unsigned long", table[0].first.address_, len(table))
    found = [np.empty(0, np.uint64)]
    for pointer in first[first != 0].tolist():
        found.append(_entries(type, None, Object(prog, "void *", pointer), member))
    return np.concatenate(found)


def _entries(
    type: str | Type, end: Object | None, first: Object, member: str
) -> NDArray[Any]:
    import numpy as np

    prog = first.prog_
    try:
        nodes = prog.chain(first, 0, 0 if end is None else end)
    except BadDataError as error:
        raise ValidationError(str(error)) from None
    return nodes - np.uint64(offsetof(prog.type(type), member))


def inodes(sb: Object) -> NDArray[np.uint64]:
    """Return the addresses of the inodes of a filesystem that are in memory.

    :param sb: ``struct super_block *``
    :return: Addresses of ``struct inode``, uint64[n].
    :raises ValidationError: if the list runs into a cycle

    >>> from drgn.helpers import arrays
    >>> found = arrays.inodes(path_lookup("/").dentry.d_sb)
    >>> path_lookup("/init").dentry.d_inode.value_() in found
    True
    """
    return list_entries("struct inode", sb.s_inodes.address_of_(), "i_sb_list")
