"""Tests of the flags of ``struct page``; part of :mod:`drgn.helpers.linux.mm`."""

from __future__ import annotations

import operator
from collections.abc import Callable

from drgn import IntegerLike, Object, Program
from drgn.helpers.common.format import decode_flags
from drgn.helpers.common.prog import takes_program_or_default


def page_flags(page: Object) -> Object:
    """Return the flags of a page.

    :param page: ``struct page *``
    :return: ``unsigned long``

    >>> page = compound_head(virt_to_page(prog, find_task(prog, 1)))
    >>> decode_page_flags_value(prog, page_flags(page))
    'PG_slab|PG_head'
    """
    flags = page.flags
    try:
        # memdesc_flags_t since 6.18.
        return flags.f
    except AttributeError:
        return flags


@takes_program_or_default
def decode_page_flags_value(prog: Program, flags: IntegerLike) -> str:
    """Spell out the flags of a page, e.g., ``"PG_uptodate|PG_lru"``.

    :param flags: ``unsigned long``, e.g., from :func:`page_flags()`. The node, zone
        and section numbers in it are ignored.

    >>> decode_page_flags_value(prog, 0x5)
    'PG_locked|PG_uptodate|PG_reported'
    """
    bits = page_flag_bits(prog)
    mask = (1 << max(bits.values()) + 1) - 1
    return decode_flags(operator.index(flags) & mask, bits.items())


def decode_page_flags(page: Object) -> str:
    """Spell out the flags of a page, e.g., ``"PG_uptodate|PG_lru"``.

    :param page: ``struct page *``

    >>> decode_page_flags(compound_head(virt_to_page(prog, find_task(prog, 1))))
    'PG_slab|PG_head'
    """
    return decode_page_flags_value(page.prog_, page_flags(page))


def page_flag_bits(prog: Program) -> dict[str, int]:
    """Return the names and bit numbers of ``enum pageflags``."""
    bits: dict[str, int] | None = prog.cache.get(page_flag_bits)
    if bits is None:
        enumerators = prog.type("enum pageflags").enumerators or ()
        bits = prog.cache[page_flag_bits] = {
            e.name: e.value for e in enumerators if not e.name.startswith("__")
        }
    return bits


def _has_flag(page: Object, flag: str) -> bool:
    bit = page_flag_bits(page.prog_).get(flag)
    return bit is not None and bool(page_flags(page).value_() >> bit & 1)


def _getter(name: str, flag: str) -> Callable[[Object], bool]:
    def getter(page: Object) -> bool:
        return _has_flag(page, flag)

    getter.__name__ = getter.__qualname__ = name
    getter.__doc__ = f"""Return whether ``{flag}`` is set on a page.

    It is not where the kernel has no such flag.

    :param page: ``struct page *``

    >>> {name}(compound_head(virt_to_page(find_task(1))))
    False
    """
    return getter


PageActive = _getter("PageActive", "PG_active")
PageChecked = _getter("PageChecked", "PG_checked")
PageDirty = _getter("PageDirty", "PG_dirty")
PageDoubleMap = _getter("PageDoubleMap", "PG_double_map")
PageError = _getter("PageError", "PG_error")
PageForeign = _getter("PageForeign", "PG_foreign")
PageHWPoison = _getter("PageHWPoison", "PG_hwpoison")
PageHasHWPoisoned = _getter("PageHasHWPoisoned", "PG_has_hwpoisoned")
PageIdle = _getter("PageIdle", "PG_idle")
PageIsolated = _getter("PageIsolated", "PG_isolated")
PageLRU = _getter("PageLRU", "PG_lru")
PageLocked = _getter("PageLocked", "PG_locked")
PageMappedToDisk = _getter("PageMappedToDisk", "PG_mappedtodisk")
PageMlocked = _getter("PageMlocked", "PG_mlocked")
PageOwnerPriv1 = _getter("PageOwnerPriv1", "PG_owner_priv_1")
PagePinned = _getter("PagePinned", "PG_pinned")
PagePrivate = _getter("PagePrivate", "PG_private")
PagePrivate2 = _getter("PagePrivate2", "PG_private_2")
PageReadahead = _getter("PageReadahead", "PG_readahead")
PageReclaim = _getter("PageReclaim", "PG_reclaim")
PageReferenced = _getter("PageReferenced", "PG_referenced")
PageReported = _getter("PageReported", "PG_reported")
PageReserved = _getter("PageReserved", "PG_reserved")
PageSavePinned = _getter("PageSavePinned", "PG_savepinned")
PageSkipKASanPoison = _getter("PageSkipKASanPoison", "PG_skip_kasan_poison")
PageSlobFree = _getter("PageSlobFree", "PG_slob_free")
PageSwapBacked = _getter("PageSwapBacked", "PG_swapbacked")
PageUncached = _getter("PageUncached", "PG_uncached")
PageUnevictable = _getter("PageUnevictable", "PG_unevictable")
PageUptodate = _getter("PageUptodate", "PG_uptodate")
PageVmemmapSelfHosted = _getter("PageVmemmapSelfHosted", "PG_vmemmap_self_hosted")
PageWaiters = _getter("PageWaiters", "PG_waiters")
PageWorkingset = _getter("PageWorkingset", "PG_workingset")
PageWriteback = _getter("PageWriteback", "PG_writeback")
PageXenRemapped = _getter("PageXenRemapped", "PG_xen_remapped")
PageYoung = _getter("PageYoung", "PG_young")


def PageHead(page: Object) -> bool:
    """Return whether a page is the head page of a compound page.

    :param page: ``struct page *``

    >>> PageHead(compound_head(virt_to_page(prog, find_task(prog, 1))))
    True
    """
    return _has_flag(page, "PG_head") and _copied_head(page) is None


def PageTail(page: Object) -> bool:
    """Return whether a page is a tail page of a compound page.

    :param page: ``struct page *``

    >>> PageTail(compound_head(virt_to_page(prog, find_task(prog, 1))))
    False
    """
    return _head(page) is not None


def PageCompound(page: Object) -> bool:
    """Return whether a page is part of a compound page.

    :param page: ``struct page *``

    >>> PageCompound(virt_to_page(prog, find_task(prog, 1)))
    True
    """
    return _has_flag(page, "PG_head") or _named_head(page) is not None


def PageSlab(page: Object) -> bool:
    """Return whether a page is the (head) page of a slab.

    For a page that may be in the middle of a slab, ask about its
    :func:`compound_head()`.

    :param page: ``struct page *``

    >>> PageSlab(compound_head(virt_to_page(prog, find_task(prog, 1))))
    True
    """
    prog = page.prog_
    bit = page_flag_bits(prog).get("PG_slab")
    if bit is not None:
        return bool(page_flags(page).value_() >> bit & 1)
    # Since 6.10 (46df8e73a4a3), it is a page type, which is encoded in another way
    # since 6.12 (4ffca5a96678).
    page_type: int = page.page_type.value_()
    try:
        return page_type >> 24 == prog["PGTY_slab"].value_()
    except KeyError:
        return page_type & (0xF0000000 | prog["PG_slab"].value_()) == 0xF0000000


def compound_head(page: Object) -> Object:
    """Return the head page of the compound page that a page is part of.

    :param page: ``struct page *``
    :return: ``struct page *``, *page* itself if it is not a tail page.

    >>> page = virt_to_page(prog, find_task(prog, 1))
    >>> PageHead(compound_head(page))
    True
    """
    head = _head(page)
    return page if head is None else Object(page.prog_, page.type_, head)


def _head(page: Object) -> int | None:
    """Return the address of the head page of a tail page."""
    head = _named_head(page)
    if head is None and _has_flag(page, "PG_head"):
        head = _copied_head(page)
    return head


def _named_head(page: Object) -> int | None:
    """Return the address of the head page that a tail page names."""
    info = _compound_info(page)
    if not info & 1:
        return None
    address_bits = 8 * page.prog_.address_size()
    if info >> 32 == (1 << address_bits - 32) - 1:
        # In newer kernels, it may be a mask which makes the head's address of a tail's.
        address: int = page.value_()
        return address & info
    return info - 1


def _copied_head(page: Object) -> int | None:
    """Return the address of the head page if what has its flag is a copy of it.

    Since 5.18 (e7d324850bfc), the memory map of hugetlb pages may be the same page of
    memory over and over: what follows the head in it follows each copy.
    """
    following = page + 1
    if page.value_() % page.prog_["PAGE_SIZE"].value_():
        return None
    head = _named_head(following)
    return None if head == page.value_() else head


def _compound_info(page: Object) -> int:
    try:
        return page.compound_head.value_()
    except AttributeError:
        # By 7.3, it has another name.
        return page.compound_info.value_()
