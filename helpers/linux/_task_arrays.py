"""Tasks and their address spaces as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drgn import Object, Program, columns, offsetof
from drgn.helpers.linux._maple_arrays import tree_entries
from drgn.helpers.linux._readable import read_members
from drgn.helpers.linux.pid import pid_addresses, pid_link

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def tasks(prog: Program) -> NDArray[np.uint64]:
    """Return the addresses of all tasks, without the idle threads.

    See :func:`~drgn.helpers.linux.pid.for_each_task()`.

    :return: Addresses of ``struct task_struct``, uint64[n], in the order of their PIDs.

    >>> from drgn.helpers import arrays
    >>> len(arrays.tasks(prog)) == len(list(for_each_task(prog)))
    True
    """
    import numpy as np

    pid_type = prog["PIDTYPE_PID"].value_()
    member = f"tasks[{pid_type}].first"
    namespace = prog["init_pid_ns"].address_of_()
    pids = np.fromiter(pid_addresses(prog, namespace), np.uint64)
    links = columns(pids, member, type="struct pid", prog=prog)[member].filled(0)
    link = offsetof(prog.type("struct task_struct"), pid_link(prog, pid_type))
    return links[links != 0].astype(np.uint64) - np.uint64(link)


def vmas(mm: Object) -> NDArray[np.uint64]:
    """Return the addresses of the mapped areas of an address space.

    :param mm: ``struct mm_struct *``
    :return: Addresses of ``struct vm_area_struct``, uint64[n], in order of what they
        map.

    >>> from drgn.helpers import arrays
    >>> areas = arrays.vmas(find_task(1).mm)
    >>> found = drgn.columns(areas, "vm_start", type="struct vm_area_struct", prog=prog)
    >>> found["vm_start"][:2]
    masked_array(data=[4194304, 4198400],
                 mask=[False, False],
           fill_value=999999,
                dtype=uint64)
    """
    import numpy as np

    return _vmas(mm.prog_, np.array([mm.value_()], np.uint64))[1]


def _vmas(
    prog: Program, mms: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """For each area the number of its address space, and its address."""
    import numpy as np

    mm_struct = prog.type("struct mm_struct")
    if mm_struct.has_member("mm_mt"):
        (roots,) = read_members(prog, mm_struct, mms, "mm_mt.ma_root")
        return tree_entries(prog, roots.astype(np.uint64, copy=False))
    # Before 6.1 (763ecb035029), the areas are in a list.
    next = offsetof(prog.type("struct vm_area_struct"), "vm_next")
    (firsts,) = read_members(prog, mm_struct, mms, "mmap")
    found = [prog.chain(first, next) for first in firsts.tolist()]
    numbers = np.repeat(np.arange(len(mms)), [len(areas) for areas in found])
    return numbers, np.concatenate([np.empty(0, np.uint64), *found])


def task_vmas(prog: Program) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the mapped areas of all tasks.

    :return: For each of n areas the task and the ``struct vm_area_struct``: uint64[n]
        addresses each. Areas that tasks share are there for each of them.

    >>> from drgn.helpers import arrays
    >>> tasks, areas = arrays.task_vmas(prog)
    >>> init = find_task(1)
    >>> (areas[tasks == init.value_()] == arrays.vmas(init.mm)).all()
    np.True_
    """
    import numpy as np

    users = tasks(prog)
    mms = columns(users, "mm", type="struct task_struct", prog=prog)["mm"].filled(0)
    users, mms = users[mms != 0], mms[mms != 0].astype(np.uint64, copy=False)
    spaces, space_of = np.unique(mms, return_inverse=True)
    numbers, areas = _vmas(prog, spaces)
    counts = np.bincount(numbers, minlength=len(spaces))
    begins = np.cumsum(counts) - counts
    # The areas of each task's space, one after the other.
    lengths = counts[space_of]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    found = areas[np.repeat(begins[space_of], lengths) + within]
    return np.repeat(users, lengths), found
