"""
Memory Zones
------------

``drgn.helpers.linux.mmzone`` works with NUMA nodes, memory zones and the sections
of the SPARSEMEM memory model (:linux:`include/linux/mmzone.h`).
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from drgn import NULL, Architecture, IntegerLike, Object, Program, TypeKind, sizeof
from drgn.helpers.common.format import decode_flags
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.boot import vmcoreinfo_number
from drgn.helpers.linux.nodemask import for_each_online_node

__all__ = (
    "NODE_DATA",
    "decode_section_flags",
    "early_section",
    "early_section_nr",
    "for_each_online_pgdat",
    "for_each_present_section",
    "high_wmark_pages",
    "low_wmark_pages",
    "min_wmark_pages",
    "nr_to_section",
    "online_section",
    "online_section_nr",
    "pfn_to_section",
    "pfn_to_section_nr",
    "present_section",
    "present_section_nr",
    "section_decode_mem_map",
    "section_mem_map_addr",
    "section_nr_to_pfn",
    "valid_section",
    "valid_section_nr",
    "wmark_pages",
)

_PRESENT = 1 << 0
_HAS_MEM_MAP = 1 << 1
_IS_ONLINE = 1 << 2
_IS_EARLY = 1 << 3
# The memory map in section_mem_map is aligned to more than any kernel's flags take.
_MEM_MAP_MASK = ~0x3F


@takes_program_or_default
def NODE_DATA(prog: Program, nid: IntegerLike) -> Object:
    """Return the memory layout of a NUMA node.

    :param nid: NUMA node ID.
    :return: ``struct pglist_data *``

    >>> NODE_DATA(prog, 0).node_id
    (int)0
    """
    try:
        return prog["node_data"][nid]
    except KeyError:
        return prog["contig_page_data"].address_of_()  # !CONFIG_NUMA


@takes_program_or_default
def for_each_online_pgdat(prog: Program) -> Iterator[Object]:
    """Iterate over the memory layouts of the online NUMA nodes.

    :return: Iterator of ``struct pglist_data *`` objects.

    >>> [pgdat.node_id.value_() for pgdat in for_each_online_pgdat(prog)]
    [0]
    """
    for nid in for_each_online_node(prog):
        yield NODE_DATA(prog, nid)


def wmark_pages(zone: Object, i: IntegerLike) -> int:
    """Return a watermark of a memory zone, in pages.

    :param zone: ``struct zone *``
    :param i: ``enum zone_watermarks``

    >>> zone = NODE_DATA(prog, 0).node_zones[1]
    >>> wmark_pages(zone.address_of_(), prog["WMARK_LOW"])
    7212
    """
    try:
        # Since 5.0 (1c30844d2dfe).
        return zone.member_("_watermark")[i].value_() + zone.watermark_boost.value_()
    except LookupError:
        return zone.watermark[i].value_()


def min_wmark_pages(zone: Object) -> int:
    """Return the minimum watermark of a memory zone; below it, allocations reclaim.

    :param zone: ``struct zone *``

    >>> min_wmark_pages(NODE_DATA(prog, 0).node_zones[1].address_of_())
    5770
    """
    return wmark_pages(zone, zone.prog_["WMARK_MIN"])


def low_wmark_pages(zone: Object) -> int:
    """Return the low watermark of a memory zone; below it, ``kswapd`` wakes up.

    :param zone: ``struct zone *``

    >>> low_wmark_pages(NODE_DATA(prog, 0).node_zones[1].address_of_())
    7212
    """
    return wmark_pages(zone, zone.prog_["WMARK_LOW"])


def high_wmark_pages(zone: Object) -> int:
    """Return the high watermark of a memory zone; above it, ``kswapd`` sleeps.

    :param zone: ``struct zone *``

    >>> high_wmark_pages(NODE_DATA(prog, 0).node_zones[1].address_of_())
    8654
    """
    return wmark_pages(zone, zone.prog_["WMARK_HIGH"])


def _pages_per_section_shift(prog: Program) -> int:
    """Return PFN_SECTION_SHIFT."""
    shift: int | None = prog.cache.get(_pages_per_section_shift)
    if shift is None:
        # In vmcoreinfo since 5.13 (4f5aecdff25f).
        bits = vmcoreinfo_number(prog, "SECTION_SIZE_BITS")
        if bits is None:
            if prog.platform is None or prog.platform.arch != Architecture.X86_64:
                raise NotImplementedError("the size of memory sections is not known")
            bits = 27
        shift = bits - prog["PAGE_SHIFT"].value_()
        prog.cache[_pages_per_section_shift] = shift
    return shift


@takes_program_or_default
def nr_to_section(prog: Program, nr: IntegerLike) -> Object:
    """Return the section with a number.

    :param nr: ``unsigned long``
    :return: ``struct mem_section *``, ``NULL`` if there is none.

    >>> present_section(nr_to_section(prog, 0))
    True
    """
    nr = operator.index(nr)
    roots = prog["mem_section"]
    null = NULL(prog, "struct mem_section *")
    if nr < 0:
        return null
    if roots.type_.kind == TypeKind.ARRAY:
        if roots.type_.type.kind == TypeKind.ARRAY:
            # !CONFIG_SPARSEMEM_EXTREME: struct mem_section [NR_SECTION_ROOTS][1]
            return roots[nr][0].address_of_() if nr < len(roots) else null
    elif not roots:
        return null
    per_root = max(
        prog["PAGE_SIZE"].value_() // sizeof(prog.type("struct mem_section")), 1
    )
    if nr // per_root >= _nr_roots(prog, roots, per_root):
        return null
    root = roots[nr // per_root].read_()
    return root + nr % per_root if root else null


def _nr_roots(prog: Program, roots: Object, per_root: int) -> int:
    if roots.type_.kind == TypeKind.ARRAY:
        return len(roots)
    # Since 4.15 (83e3c48729d9), the array is as long as MAX_PHYSMEM_BITS wants, with
    # all of its roots in use below the last section.
    return _highest_section_nr(prog) // per_root + 1


def _highest_section_nr(prog: Program) -> int:
    try:
        # Since 4.13 (c4e1be9ec113).
        return prog["__highest_present_section_nr"].value_()
    except KeyError:
        return prog["max_pfn"].value_() >> _pages_per_section_shift(prog)


@takes_program_or_default
def pfn_to_section_nr(prog: Program, pfn: IntegerLike) -> Object:
    """Return the number of the section that a page frame is in.

    :param pfn: ``unsigned long``
    :return: ``unsigned long``

    >>> pfn_to_section_nr(prog, 0x8123)
    (unsigned long)1
    """
    frame = Object(prog, "unsigned long", operator.index(pfn))
    return frame >> _pages_per_section_shift(prog)


@takes_program_or_default
def section_nr_to_pfn(prog: Program, nr: IntegerLike) -> Object:
    """Return the number of the first page frame of a section.

    :param nr: ``unsigned long``
    :return: ``unsigned long``

    >>> hex(section_nr_to_pfn(prog, 1))
    '0x8000'
    """
    pfn = operator.index(nr) << _pages_per_section_shift(prog)
    return Object(prog, "unsigned long", pfn)


@takes_program_or_default
def pfn_to_section(prog: Program, pfn: IntegerLike) -> Object:
    """Return the section that a page frame is in.

    :param pfn: ``unsigned long``
    :return: ``struct mem_section *``, ``NULL`` if there is none.

    >>> pfn_to_section(prog, 0x8123) == nr_to_section(prog, 1)
    True
    """
    return nr_to_section(prog, pfn_to_section_nr(prog, pfn))


@takes_program_or_default
def for_each_present_section(prog: Program) -> Iterator[tuple[int, Object]]:
    """Iterate over the sections that are present.

    :return: Iterator of (section number, ``struct mem_section *``) tuples.

    >>> [nr for nr, section in for_each_present_section(prog)]
    [0, 1, 2, 3]
    """
    for nr in range(_highest_section_nr(prog) + 1):
        section = nr_to_section(prog, nr)
        if present_section(section):
            yield nr, section


def _has_flag(section: Object, flag: int) -> bool:
    return bool(section) and bool(section.section_mem_map.value_() & flag)


def present_section(section: Object) -> bool:
    """Return whether a section is present.

    :param section: ``struct mem_section *``

    >>> present_section(nr_to_section(prog, 0))
    True
    """
    return _has_flag(section, _PRESENT)


@takes_program_or_default
def present_section_nr(prog: Program, nr: IntegerLike) -> bool:
    """Return whether the section with a number is present.

    :param nr: ``unsigned long``

    >>> present_section_nr(prog, 0), present_section_nr(prog, 100)
    (True, False)
    """
    return present_section(nr_to_section(prog, nr))


def valid_section(section: Object) -> bool:
    """Return whether a section has a memory map.

    :param section: ``struct mem_section *``

    >>> valid_section(nr_to_section(prog, 0))
    True
    """
    return _has_flag(section, _HAS_MEM_MAP)


@takes_program_or_default
def valid_section_nr(prog: Program, nr: IntegerLike) -> bool:
    """Return whether the section with a number has a memory map.

    :param nr: ``unsigned long``

    >>> valid_section_nr(prog, 0)
    True
    """
    return valid_section(nr_to_section(prog, nr))


def online_section(section: Object) -> bool:
    """Return whether a section is online, which Linux records since 4.13.

    :param section: ``struct mem_section *``

    >>> online_section(nr_to_section(prog, 0))
    True
    """
    return _has_flag(section, _IS_ONLINE)


@takes_program_or_default
def online_section_nr(prog: Program, nr: IntegerLike) -> bool:
    """Return whether the section with a number is online (since Linux 4.13).

    :param nr: ``unsigned long``

    >>> online_section_nr(prog, 0)
    True
    """
    return online_section(nr_to_section(prog, nr))


def early_section(section: Object) -> bool:
    """Return whether a section was there at boot, which Linux records since 5.3.

    :param section: ``struct mem_section *``

    >>> early_section(nr_to_section(prog, 0))
    True
    """
    return _has_flag(section, _IS_EARLY)


@takes_program_or_default
def early_section_nr(prog: Program, nr: IntegerLike) -> bool:
    """Return whether the section with a number was there at boot (since Linux 5.3).

    :param nr: ``unsigned long``

    >>> early_section_nr(prog, 0)
    True
    """
    return early_section(nr_to_section(prog, nr))


def section_mem_map_addr(section: Object) -> Object:
    """Return the memory map of a section as an array by page frame number.

    :param section: ``struct mem_section *``
    :return: ``struct page *`` such that ``mem_map[pfn]`` is the page of a frame.

    >>> section_mem_map_addr(nr_to_section(prog, 0)) == prog["vmemmap"]
    True
    """
    value = section.section_mem_map.value_() & _MEM_MAP_MASK
    return Object(section.prog_, "struct page *", value)


def section_decode_mem_map(section: Object, nr: IntegerLike) -> Object:
    """Return the memory map of a section.

    :param section: ``struct mem_section *``
    :param nr: Number of the section.
    :return: ``struct page *``, the page of the section's first frame.

    >>> page_to_pfn(section_decode_mem_map(nr_to_section(prog, 1), 1))
    (unsigned long)32768
    """
    pfn = section_nr_to_pfn(section.prog_, nr)
    return section_mem_map_addr(section) + pfn


def decode_section_flags(section: Object) -> str:
    """Spell out the flags of a section, e.g.,
    ``"SECTION_MARKED_PRESENT|SECTION_HAS_MEM_MAP"``.

    :param section: ``struct mem_section *``

    >>> decode_section_flags(nr_to_section(prog, 0))
    'SECTION_MARKED_PRESENT|SECTION_HAS_MEM_MAP|SECTION_IS_ONLINE|SECTION_IS_EARLY'
    """
    known = _section_flags(section.prog_)
    # The other bits are of the address of the memory map.
    mask = (1 << max(bit for _, bit in known) + 1) - 1
    return decode_flags(section.section_mem_map.value_() & mask, known)


def _section_flags(prog: Program) -> list[tuple[str, int]]:
    names = [
        "SECTION_MARKED_PRESENT",
        "SECTION_HAS_MEM_MAP",
        "SECTION_IS_ONLINE",
        "SECTION_IS_EARLY",
        "SECTION_TAINT_ZONE_DEVICE",
    ]
    try:
        # Enumerated since 6.0 (ed7802dd48f7).
        enumerators = prog["SECTION_MARKED_PRESENT_BIT"].type_.enumerators or ()
    except KeyError:
        return [(name, bit) for bit, name in enumerate(names)]
    return [
        (e.name.removesuffix("_BIT"), e.value)
        for e in enumerators
        if e.name != "SECTION_MAP_LAST_BIT"
    ]
