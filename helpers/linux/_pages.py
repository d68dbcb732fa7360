"""Pages and their addresses; part of :mod:`drgn.helpers.linux.mm`."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from itertools import chain, starmap

from drgn import FaultError, IntegerLike, Object, Program, cast, chains, sizeof
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux._memory_model import for_each_valid_page_range, memory_maps
from drgn.helpers.linux._page_flags import PageHead


def compound_order(page: Object) -> Object:
    """Return the allocation order of a page, which may be a compound page.

    :param page: ``struct page *``
    :return: ``unsigned int``

    >>> compound_order(compound_head(virt_to_page(prog, find_task(prog, 1))))
    (unsigned int)3
    """
    return Object(page.prog_, "unsigned int", _compound_order(page))


def compound_nr(page: Object) -> Object:
    """Return the number of pages in a page, which may be a compound page.

    :param page: ``struct page *``
    :return: ``unsigned long``

    >>> compound_nr(compound_head(virt_to_page(prog, find_task(prog, 1))))
    (unsigned long)8
    """
    return Object(page.prog_, "unsigned long", 1 << _compound_order(page))


def page_size(page: Object) -> Object:
    """Return the number of bytes in a page, which may be a compound page.

    :param page: ``struct page *``
    :return: ``unsigned long``

    >>> page_size(compound_head(virt_to_page(prog, find_task(prog, 1))))
    (unsigned long)32768
    """
    return page.prog_["PAGE_SIZE"] << _compound_order(page)


def _compound_order(page: Object) -> int:
    if not PageHead(page):
        return 0
    try:
        return page[1].compound_order.value_()
    except AttributeError:
        pass
    # Since 6.1 (379708ffde1b), the first tail page is a part of struct folio.
    folio = cast("struct folio *", page)
    try:
        return folio.member_("_folio_order").value_()
    except LookupError:
        # In the low byte of the flags since 6.6 (ebc1baf5c9b4).
        flags = folio.member_("_flags_1")
    try:
        flags = flags.f  # memdesc_flags_t since 6.18.
    except AttributeError:
        pass
    return flags.value_() & 0xFF


def page_index(page: Object) -> Object:
    """Return where a page is in what it maps, in pages.

    :param page: ``struct page *``
    :return: ``pgoff_t``

    >>> inode = path_lookup(prog, "/init").dentry.d_inode
    >>> index, page = next(inode_for_each_page(inode))
    >>> page_index(page)
    (unsigned long)0
    """
    try:
        return page.index
    except AttributeError:
        # Renamed in 6.16 (acc53a0b4c15).
        return page.member_("__folio_index")


@takes_program_or_default
def PFN_PHYS(prog: Program, pfn: IntegerLike) -> Object:
    """Return the physical address of a page frame.

    :param pfn: ``unsigned long``
    :return: ``phys_addr_t``

    >>> hex(PFN_PHYS(prog, 0x1234))
    '0x1234000'
    """
    address = operator.index(pfn) << prog["PAGE_SHIFT"].value_()
    return Object(prog, "phys_addr_t", address)


@takes_program_or_default
def PHYS_PFN(prog: Program, addr: IntegerLike) -> Object:
    """Return the page frame number of a physical address.

    :param addr: ``phys_addr_t``
    :return: ``unsigned long``

    >>> hex(PHYS_PFN(prog, 0x1234567))
    '0x1234'
    """
    pfn = Object(prog, "phys_addr_t", operator.index(addr))
    return cast("unsigned long", pfn >> prog["PAGE_SHIFT"])


def page_to_pfn(page: Object) -> Object:
    """Return the page frame number of a page.

    :param page: ``struct page *``
    :return: ``unsigned long``
    :raises FaultError: if *page* is not a page (of SPARSEMEM without
        SPARSEMEM_VMEMMAP; else that is not checked)
    :raises TypeError: if *page* is a pointer to something else

    >>> page_to_pfn(pfn_to_page(prog, 1234))
    (unsigned long)1234
    """
    prog = page.prog_
    return Object(prog, "unsigned long", memory_maps(prog).frame_of(page))


def page_to_phys(page: Object) -> Object:
    """Return the physical address of a page.

    :param page: ``struct page *``
    :return: ``phys_addr_t``

    >>> hex(page_to_phys(pfn_to_page(prog, 0x1234)))
    '0x1234000'
    """
    return PFN_PHYS(page.prog_, page_to_pfn(page))


def page_to_virt(page: Object) -> Object:
    """Return the address of a page in the direct map.

    :param page: ``struct page *``
    :return: ``void *``

    >>> virt_to_pfn(page_to_virt(pfn_to_page(prog, 1234)))
    (unsigned long)1234
    """
    return pfn_to_virt(page.prog_, page_to_pfn(page))


@takes_program_or_default
def pfn_to_page(prog: Program, pfn: IntegerLike) -> Object:
    """Return the page of a page frame.

    :param pfn: ``unsigned long``
    :return: ``struct page *``
    :raises FaultError: if the frame has no page (of SPARSEMEM without
        SPARSEMEM_VMEMMAP; else that is not checked)

    >>> page_to_pfn(pfn_to_page(prog, 1234))
    (unsigned long)1234
    """
    frame = operator.index(pfn)
    return memory_maps(prog).of_frame(frame) + frame


@takes_program_or_default
def pfn_to_virt(prog: Program, pfn: IntegerLike) -> Object:
    """Return the address of a page frame in the direct map.

    :param pfn: ``unsigned long``
    :return: ``void *``

    >>> pfn_to_virt(prog, 1234)
    (void *)0xffff89c0c04d2000
    """
    return phys_to_virt(prog, PFN_PHYS(prog, pfn))


@takes_program_or_default
def phys_to_page(prog: Program, addr: IntegerLike) -> Object:
    """Return the page that has a physical address.

    :param addr: ``phys_addr_t``
    :return: ``struct page *``

    >>> page_to_pfn(phys_to_page(prog, 0x1234567)) == 0x1234
    True
    """
    return pfn_to_page(prog, PHYS_PFN(prog, addr))


@takes_program_or_default
def phys_to_virt(prog: Program, addr: IntegerLike) -> Object:
    """Return the address in the direct map of a physical address.

    :param addr: ``phys_addr_t``
    :return: ``void *``

    >>> phys_to_virt(prog, 0x1234567)
    (void *)0xffff89c0c1234567
    """
    return Object(prog, "void *", _direct_map(prog) + operator.index(addr))


@takes_program_or_default
def virt_to_page(prog: Program, addr: IntegerLike) -> Object:
    """Return the page of an address in the direct map.

    :param addr: ``void *``; see :func:`virt_to_phys()`.
    :return: ``struct page *``
    :raises FaultError: if *addr* is not in the direct map

    >>> page = virt_to_page(prog, find_task(prog, 1))
    >>> PageSlab(compound_head(page))
    True
    """
    return pfn_to_page(prog, virt_to_pfn(prog, addr))


@takes_program_or_default
def virt_to_pfn(prog: Program, addr: IntegerLike) -> Object:
    """Return the page frame number of an address in the direct map.

    :param addr: ``void *``; see :func:`virt_to_phys()`.
    :return: ``unsigned long``
    :raises FaultError: if *addr* is not in the direct map

    >>> virt_to_pfn(pfn_to_virt(prog, 1234))
    (unsigned long)1234
    """
    return PHYS_PFN(prog, virt_to_phys(prog, addr))


@takes_program_or_default
def virt_to_phys(prog: Program, addr: IntegerLike) -> Object:
    """Return the physical address of an address in the direct map.

    The direct map has what kmalloc(), the slab allocator and the page allocator
    return, but neither vmalloc(), vmap() and ioremap() memory (see
    :func:`vmalloc_to_page()`) nor variables and functions (see
    :func:`follow_phys()`).

    :param addr: ``void *``
    :return: ``unsigned long``
    :raises FaultError: if *addr* is not in the direct map

    >>> hex(virt_to_phys(phys_to_virt(prog, 0x1234567)))
    '0x1234567'
    """
    address = operator.index(addr)
    offset = address - _direct_map(prog)
    if not (in_direct_map(prog, address) or _has_page(prog, offset)):
        raise FaultError("address is not in the direct map", address)
    return Object(prog, "unsigned long", offset)


def _has_page(prog: Program, address: int) -> bool:
    """Whether a physical address has a ``struct page``.

    A section of memory has them to its end, past the end of memory.
    """
    pfn = address >> prog["PAGE_SHIFT"].value_()
    return any(start <= pfn < end for start, end, _ in for_each_valid_page_range(prog))


@takes_program_or_default
def in_direct_map(prog: Program, addr: IntegerLike) -> bool:
    """Return whether an address is in the kernel's direct map of physical memory.

    :param addr: ``void *``

    >>> in_direct_map(find_task(prog, 1)), in_direct_map(prog, 0)
    (True, False)
    """
    start = _direct_map(prog)
    end = start + prog["max_pfn"].value_() * prog["PAGE_SIZE"].value_()
    return bool(start <= operator.index(addr) < end)


def _direct_map(prog: Program) -> int:
    """Return the address of the direct map of physical address 0."""
    base: int | None = prog.cache.get(_direct_map)
    if base is None:
        try:
            base = prog["page_offset_base"].value_()
        except KeyError:
            # Not x86-64 with CONFIG_RANDOMIZE_MEMORY (or CONFIG_DYNAMIC_MEMORY_
            # LAYOUT): take something that the slab allocator made.
            address = prog["init_pid_ns"].child_reaper.value_()
            base = address - prog.translate(address)
        prog.cache[_direct_map] = base
    return base


@takes_program_or_default
def for_each_valid_pfn_and_page(prog: Program) -> Iterator[tuple[int, Object]]:
    """Iterate over the page frame numbers that have pages.

    :return: Iterator of (page frame number, ``struct page *``) tuples.

    >>> pfn, page = next(for_each_valid_pfn_and_page(prog))
    >>> pfn
    0
    """
    for start, end, mem_map in for_each_valid_page_range(prog):
        pages = _pointers(start, end, mem_map)
        yield from zip(range(start, end), pages, strict=True)


@takes_program_or_default
def for_each_page(prog: Program) -> Iterator[Object]:
    """Iterate over the pages of physical memory.

    :return: Iterator of ``struct page *`` objects.

    >>> page = next(for_each_page(prog))
    >>> page_to_pfn(page)
    (unsigned long)0
    """
    ranges = for_each_valid_page_range(prog)
    return chain.from_iterable(starmap(_pointers, ranges))


def _pointers(start: int, end: int, mem_map: Object) -> Iterator[Object]:
    """Pointers to each of the elements of a memory map."""
    size = sizeof(mem_map[0])
    base = mem_map.value_()
    addresses = range(base + start * size, base + end * size, size)
    return chains.pointers(mem_map.type_, addresses)
