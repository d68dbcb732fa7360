"""
HugeTLB
-------

``drgn.helpers.linux.hugetlb`` works with HugeTLB pages.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object, Program
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux._page_usage import PageUsage

__all__ = (
    "for_each_hstate",
    "huge_page_size",
    "hugetlb_total_pages",
    "hugetlb_total_usage",
)


@takes_program_or_default
def for_each_hstate(prog: Program) -> Iterator[Object]:
    """Iterate over the sizes of HugeTLB pages that the kernel has.

    >>> [huge_page_size(hstate).value_() >> 20 for hstate in for_each_hstate()]
    [1024, 2]

    :return: Iterator of ``struct hstate *`` objects.
    """
    try:
        count = prog["hugetlb_max_hstate"].value_()
    except KeyError:
        return  # !CONFIG_HUGETLB_PAGE
    hstates = prog["hstates"]
    for i in range(count):
        yield hstates[i].address_of_()


def huge_page_size(hstate: Object) -> Object:
    """Return the size of a page in bytes.

    :param hstate: ``struct hstate *``
    :return: ``unsigned long``

    >>> huge_page_size(next(for_each_hstate(prog)))
    (unsigned long)1073741824
    """
    return hstate.prog_["PAGE_SIZE"] << hstate.order


@takes_program_or_default
def hugetlb_total_pages(prog: Program) -> int:
    """Return how much memory HugeTLB pages take, in pages of the usual size.

    >>> hugetlb_total_pages(prog)
    1024
    """
    return hugetlb_total_usage(prog).pages


@takes_program_or_default
def hugetlb_total_usage(prog: Program) -> PageUsage:
    """Return how much memory HugeTLB pages take, and how much of it is free.

    :return: Numbers of pages of the usual size.

    >>> hugetlb_total_usage(prog)
    PageUsage(pages=1024, free_pages=512)
    """
    pages = free = 0
    for hstate in for_each_hstate(prog):
        order = hstate.order.value_()
        pages += hstate.nr_huge_pages.value_() << order
        free += hstate.free_huge_pages.value_() << order
    return PageUsage(pages, free)
