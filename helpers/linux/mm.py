"""
Memory Management
-----------------

``drgn.helpers.linux.mm`` works with pages, address spaces and kernel mappings.

A translation of a virtual address fails with :class:`~drgn.FaultError` if nothing
is mapped at the address, or if what was there is swapped or paged out.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from drgn import NULL, IntegerLike, Object, Program, container_of
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux._address_space import (
    TaskRss,
    access_process_vm,
    access_remote_vm,
    cmdline,
    environ,
    follow_page,
    follow_pfn,
    follow_phys,
    for_each_vma,
    mm_cmdline,
    mm_environ,
    rss_of_task,
    task_vsize,
    vma_find,
    vma_name,
)
from drgn.helpers.linux._memory_model import for_each_valid_page_range
from drgn.helpers.linux._page_flags import (
    PageActive,
    PageChecked,
    PageCompound,
    PageDirty,
    PageDoubleMap,
    PageError,
    PageForeign,
    PageHasHWPoisoned,
    PageHead,
    PageHWPoison,
    PageIdle,
    PageIsolated,
    PageLocked,
    PageLRU,
    PageMappedToDisk,
    PageMlocked,
    PageOwnerPriv1,
    PagePinned,
    PagePrivate,
    PagePrivate2,
    PageReadahead,
    PageReclaim,
    PageReferenced,
    PageReported,
    PageReserved,
    PageSavePinned,
    PageSkipKASanPoison,
    PageSlab,
    PageSlobFree,
    PageSwapBacked,
    PageTail,
    PageUncached,
    PageUnevictable,
    PageUptodate,
    PageVmemmapSelfHosted,
    PageWaiters,
    PageWorkingset,
    PageWriteback,
    PageXenRemapped,
    PageYoung,
    compound_head,
    decode_page_flags,
    decode_page_flags_value,
    page_flags,
)
from drgn.helpers.linux._page_usage import PageUsage as PageUsage
from drgn.helpers.linux._pages import (
    PFN_PHYS,
    PHYS_PFN,
    compound_nr,
    compound_order,
    for_each_page,
    for_each_valid_pfn_and_page,
    in_direct_map,
    page_index,
    page_size,
    page_to_pfn,
    page_to_phys,
    page_to_virt,
    pfn_to_page,
    pfn_to_virt,
    phys_to_page,
    phys_to_virt,
    virt_to_page,
    virt_to_pfn,
    virt_to_phys,
)
from drgn.helpers.linux.device import bus_for_each_dev
from drgn.helpers.linux.hugetlb import hugetlb_total_pages
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.mmzone import section_nr_to_pfn
from drgn.helpers.linux.percpu import percpu_counter_sum_positive
from drgn.helpers.linux.rbtree import rb_find

__all__ = (
    "PFN_PHYS",
    "PHYS_PFN",
    "PageActive",
    "PageChecked",
    "PageCompound",
    "PageDirty",
    "PageDoubleMap",
    "PageError",
    "PageForeign",
    "PageHWPoison",
    "PageHasHWPoisoned",
    "PageHead",
    "PageIdle",
    "PageIsolated",
    "PageLRU",
    "PageLocked",
    "PageMappedToDisk",
    "PageMlocked",
    "PageOwnerPriv1",
    "PagePinned",
    "PagePrivate",
    "PagePrivate2",
    "PageReadahead",
    "PageReclaim",
    "PageReferenced",
    "PageReported",
    "PageReserved",
    "PageSavePinned",
    "PageSkipKASanPoison",
    "PageSlab",
    "PageSlobFree",
    "PageSwapBacked",
    "PageTail",
    "PageUncached",
    "PageUnevictable",
    "PageUptodate",
    "PageVmemmapSelfHosted",
    "PageWaiters",
    "PageWorkingset",
    "PageWriteback",
    "PageXenRemapped",
    "PageYoung",
    "access_process_vm",
    "access_remote_vm",
    "cmdline",
    "compound_head",
    "compound_nr",
    "compound_order",
    "decode_memory_block_state",
    "decode_memory_block_state_value",
    "decode_page_flags",
    "decode_page_flags_value",
    "environ",
    "find_vmap_area",
    "follow_page",
    "follow_pfn",
    "follow_phys",
    "for_each_memory_block",
    "for_each_page",
    "for_each_valid_page_range",
    "for_each_valid_pfn_and_page",
    "for_each_vma",
    "for_each_vmap_area",
    "in_direct_map",
    "memory_block_size_bytes",
    "mm_cmdline",
    "mm_environ",
    "page_flags",
    "page_index",
    "page_size",
    "page_to_pfn",
    "page_to_phys",
    "page_to_virt",
    "pfn_to_page",
    "pfn_to_virt",
    "phys_to_page",
    "phys_to_virt",
    "task_rss",
    "task_vsize",
    "totalram_pages",
    "virt_to_page",
    "virt_to_pfn",
    "virt_to_phys",
    "vm_commit_limit",
    "vm_memory_committed",
    "vma_find",
    "vma_name",
    "vmalloc_to_page",
    "vmalloc_to_pfn",
)


@takes_program_or_default
def task_rss(prog: Program, task: Object) -> TaskRss:
    """Return how many pages of a task are resident in memory.

    The numbers are those of all threads of the task's process.

    :param task: ``struct task_struct *``

    >>> task_rss(find_task(prog, 1)).file
    1
    """
    return rss_of_task(task)


@takes_program_or_default
def vmalloc_to_page(prog: Program, addr: IntegerLike) -> Object:
    """Return the page of a vmalloc or vmap address.

    >>> page_to_pfn(vmalloc_to_page(find_task(2).stack))
    (unsigned long)4548

    :param addr: ``void *``
    :return: ``struct page *``
    :raises FaultError: if nothing is mapped there
    """
    return follow_page(prog["init_mm"].address_of_(), addr)


@takes_program_or_default
def vmalloc_to_pfn(prog: Program, addr: IntegerLike) -> Object:
    """Return the page frame number of a vmalloc or vmap address.

    :param addr: ``void *``
    :return: ``unsigned long``
    :raises FaultError: if nothing is mapped there

    >>> stack = find_task(prog, 1).stack
    >>> vmalloc_to_pfn(prog, stack) == page_to_pfn(vmalloc_to_page(prog, stack))
    True
    """
    return follow_pfn(prog["init_mm"].address_of_(), addr)


@takes_program_or_default
def for_each_vmap_area(prog: Program) -> Iterator[Object]:
    """Iterate over the areas of kernel address space that vmalloc(), vmap(),
    ioremap() and the like have given out.

    :return: Iterator of ``struct vmap_area *`` objects.

    >>> area = next(for_each_vmap_area(prog))
    >>> area.va_end - area.va_start
    (unsigned long)20480
    """
    for busy in _vmap_nodes(prog):
        yield from list_for_each_entry(
            "struct vmap_area", busy.head.address_of_(), "list"
        )
    if "vmap_area_list" in prog:  # Before 6.9 (55c49fee57af).
        yield from list_for_each_entry(
            "struct vmap_area", prog["vmap_area_list"].address_of_(), "list"
        )


@takes_program_or_default
def find_vmap_area(prog: Program, addr: IntegerLike) -> Object:
    """Return the area of kernel address space that an address is in.

    >>> stack = find_task(1).stack
    >>> find_vmap_area(stack).va_start <= stack.value_()
    True

    :param addr: ``void *``
    :return: ``struct vmap_area *``, ``NULL`` if there is none.
    """
    address = operator.index(addr)
    roots = [busy.root for busy in _vmap_nodes(prog)]
    if "vmap_area_root" in prog:  # Before 6.9 (d093602919ad).
        roots.append(prog["vmap_area_root"])
    for root in roots:
        area = rb_find(
            "struct vmap_area", root.address_of_(), "rb_node", address, _compare_area
        )
        if area:
            return area
    return NULL(prog, "struct vmap_area *")


def _compare_area(address: int, area: Object) -> int:
    if address < area.va_start.value_():
        return -1
    return int(address >= area.va_end.value_())


def _vmap_nodes(prog: Program) -> list[Object]:
    """Return the ``struct rb_list`` of busy areas of each ``struct vmap_node``."""
    # Since 6.9 (d093602919ad).
    try:
        nodes = prog["vmap_nodes"].read_()
    except KeyError:
        return []
    return [nodes[i].busy for i in range(prog["nr_vmap_nodes"].value_())]


@takes_program_or_default
def totalram_pages(prog: Program) -> int:
    """Return how many pages of memory the kernel manages.

    >>> totalram_pages(prog)
    120254
    """
    try:
        # An atomic_long_t since 5.0 (ca79b0c211af).
        return prog["_totalram_pages"].counter.value_()
    except KeyError:
        return prog["totalram_pages"].value_()


@takes_program_or_default
def vm_commit_limit(prog: Program) -> int:
    """Return how many pages of address space may be committed.

    >>> vm_commit_limit(prog)
    61662
    """
    kbytes: int = prog["sysctl_overcommit_kbytes"].value_()
    if kbytes:
        allowed = kbytes >> prog["PAGE_SHIFT"].value_() - 10
    else:
        usable = totalram_pages(prog) - hugetlb_total_pages(prog)
        allowed = usable * prog["sysctl_overcommit_ratio"].value_() // 100
    try:
        return allowed + prog["total_swap_pages"].value_()
    except KeyError:
        return allowed  # !CONFIG_SWAP


@takes_program_or_default
def vm_memory_committed(prog: Program) -> int:
    """Return how many pages of address space are committed.

    >>> vm_memory_committed(prog)
    14494
    """
    return percpu_counter_sum_positive(prog["vm_committed_as"].address_of_())


@takes_program_or_default
def for_each_memory_block(prog: Program) -> Iterator[Object]:
    """Iterate over the blocks of memory that can be plugged and unplugged.

    :return: Iterator of ``struct memory_block *`` objects.

    >>> [decode_memory_block_state(block) for block in for_each_memory_block(prog)]
    ['MEM_ONLINE', 'MEM_ONLINE', 'MEM_ONLINE', 'MEM_ONLINE']
    """
    for device in bus_for_each_dev(prog["memory_subsys"].address_of_()):
        yield container_of(device, "struct memory_block", "dev")


@takes_program_or_default
def memory_block_size_bytes(prog: Program) -> Object:
    """Return the size of the blocks of memory that can be plugged and unplugged.

    :return: ``unsigned long``
    :raises LookupError: if the kernel has no such blocks (``CONFIG_MEMORY_HOTPLUG``)

    >>> memory_block_size_bytes(prog)
    (unsigned long)134217728
    """
    # What x86 has probed is 0 as long as nobody has asked.
    pages = section_nr_to_pfn(prog, prog["sections_per_block"].value_())
    return pages << prog["PAGE_SHIFT"].value_()


# include/linux/memory.h, before the values became enum memory_block_state.
_MEMORY_BLOCK_STATES = {
    1 << 0: "MEM_ONLINE",
    1 << 1: "MEM_GOING_OFFLINE",
    1 << 2: "MEM_OFFLINE",
    1 << 3: "MEM_GOING_ONLINE",
    1 << 4: "MEM_CANCEL_ONLINE",
    1 << 5: "MEM_CANCEL_OFFLINE",
}


def decode_memory_block_state(mem: Object) -> str:
    """Return the name of the state of a memory block, e.g., ``"MEM_ONLINE"``.

    :param mem: ``struct memory_block *``

    >>> decode_memory_block_state(next(iter(for_each_memory_block(prog))))
    'MEM_ONLINE'
    """
    return decode_memory_block_state_value(mem.prog_, mem.state)


@takes_program_or_default
def decode_memory_block_state_value(prog: Program, state: IntegerLike) -> str:
    """Return the name of a state of a memory block, e.g., ``"MEM_ONLINE"``.

    :param state: ``enum memory_block_state`` or ``unsigned long``
    :return: Name, or the number if it has none.

    >>> decode_memory_block_state_value(prog, 1)
    'MEM_ONLINE'
    """
    value = operator.index(state)
    try:
        enumerators = prog.type("enum memory_block_state").enumerators or ()
        names = {e.value: e.name for e in enumerators}
    except LookupError:
        names = _MEMORY_BLOCK_STATES
    return names.get(value) or str(value)
