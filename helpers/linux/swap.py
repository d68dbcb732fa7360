"""
Swap Space
----------

``drgn.helpers.linux.swap`` works with swap partitions and swap files.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object, Program, sizeof
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux._page_usage import PageUsage
from drgn.helpers.linux.fs import d_path
from drgn.helpers.linux.vmstat import global_node_page_state

__all__ = (
    "for_each_swap_info",
    "swap_file_path",
    "swap_is_file",
    "swap_total_usage",
    "swap_usage_in_pages",
    "total_swapcache_pages",
)

_S_IFMT = 0o170000
_S_IFREG = 0o100000
_SWP_USED = 1 << 0  # include/linux/swap.h
# mm/swapfile.c: SWAP_USAGE_OFFLIST_BIT is the second highest bit of a long.
_USAGE_FLAG_BITS = 2


@takes_program_or_default
def for_each_swap_info(prog: Program) -> Iterator[Object]:
    """Iterate over the swap partitions and files in use.

    :return: Iterator of ``struct swap_info_struct *`` objects.

    >>> [swap_file_path(si) for si in for_each_swap_info(prog)]
    [b'/mnt/ext4/swap', b'/dev/zram0']
    """
    try:
        count = prog["nr_swapfiles"].value_()
    except KeyError:
        return  # !CONFIG_SWAP
    infos = prog["swap_info"]
    for i in range(count):
        info = infos[i]
        if info and info.flags.value_() & _SWP_USED:
            yield info


def swap_file_path(si: Object) -> bytes:
    """Return the path of a swap partition or file, ``b""`` if it has none.

    :param si: ``struct swap_info_struct *``

    >>> swap_file_path(next(for_each_swap_info(prog)))
    b'/mnt/ext4/swap'
    """
    file = si.swap_file.read_()
    return d_path(file.f_path) if file else b""


def swap_is_file(si: Object) -> bool:
    """Return whether swap space is in a file rather than in a partition.

    :param si: ``struct swap_info_struct *``

    >>> swap_is_file(next(for_each_swap_info(prog)))
    True
    """
    mode = si.swap_file.f_mapping.host.i_mode.value_()
    return mode & _S_IFMT == _S_IFREG


def swap_usage_in_pages(si: Object) -> int:
    """Return how many pages of swap space are in use.

    :param si: ``struct swap_info_struct *``

    >>> swap_usage_in_pages(next(for_each_swap_info(prog)))
    515
    """
    pages = si.inuse_pages
    try:
        # Since 6.14, it is atomic and has a flag in its second highest bit.
        counter: int = pages.counter.value_()
    except AttributeError:
        return pages.value_()
    bits = 8 * si.prog_.address_size() - _USAGE_FLAG_BITS
    return counter & ((1 << bits) - 1)


@takes_program_or_default
def swap_total_usage(prog: Program) -> PageUsage:
    """Return how many pages of swap space there are, and how many are free.

    >>> swap_total_usage()
    PageUsage(pages=2047, free_pages=2047)
    """
    pages = free = 0
    for info in for_each_swap_info(prog):
        total = info.pages.value_()
        pages += total
        free += total - swap_usage_in_pages(info)
    return PageUsage(pages, free)


@takes_program_or_default
def total_swapcache_pages(prog: Program) -> int:
    """Return how many pages are in memory and in swap space at once.

    >>> total_swapcache_pages(prog)
    512
    """
    try:
        # Since 5.12 (b6038942480e).
        return global_node_page_state(prog, prog["NR_SWAPCACHE"])
    except KeyError:
        pass
    total = 0
    spaces = prog["swapper_spaces"]
    try:
        counts = prog["nr_swapper_spaces"]
    except KeyError:
        # One for each swap area before 4.11 (4b3ef9daa4fc). Of old compilers, the array
        # that a header declares has no length.
        length = spaces.type_.length
        if length is None:
            length = prog.symbol("swapper_spaces").size // sizeof(spaces[0])
        return sum(spaces[i].nrpages.value_() for i in range(length))
    for i in range(len(counts)):
        space = spaces[i].read_()
        if space:
            total += sum(space[j].nrpages.value_() for j in range(counts[i].value_()))
    return total
