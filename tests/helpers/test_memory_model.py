"""The kernel's memory models: where the ``struct page`` of a frame is."""

from __future__ import annotations

import numpy as np
import pytest
from mock_kernel import Kernel

from drgn import FaultError, Object, Program, TypeEnumerator
from drgn.helpers import arrays
from drgn.helpers.linux import (
    for_each_valid_page_range,
    mm,
    page_to_pfn,
    page_to_virt,
    pfn_to_page,
    slab_object_info,
    virt_to_page,
)
from drgn.helpers.linux._memory_model import memory_maps
from drgn.helpers.linux._slab_arrays import slab_starts

DIRECT_MAP = 0xFFFF888000000000
VMEMMAP = 0xFFFFEA0000000000
SECTIONS, MAPS = 0xFFFF888000100000, 0xFFFF888000200000
PER_SECTION = 1 << 15
SIZE = 16  # of struct page


class Memory:
    """Sections 0, 1 and 3 of 128 MB; in section_mem_map, maps[i] as an array by page
    frame number."""

    def __init__(self, kernel: Kernel, maps: dict[int, int]) -> None:
        prog = self.prog = kernel.prog
        page = kernel.struct("page", flags=kernel.ulong, slab_cache=kernel.pointer)
        section = kernel.struct("mem_section", section_mem_map=kernel.ulong)
        kernel.types["unsigned long"] = kernel.ulong
        kernel.types["phys_addr_t"] = prog.typedef_type("phys_addr_t", kernel.ulong)
        kernel.objects["PAGE_SHIFT"] = Object(prog, kernel.int, 12)
        kernel.objects["PAGE_SIZE"] = Object(prog, kernel.ulong, 4096)
        kernel.objects["page_offset_base"] = Object(prog, kernel.ulong, DIRECT_MAP)
        info = b"NUMBER(SECTION_SIZE_BITS)=27\n"
        char = prog.int_type("char", 1, True)
        kernel.objects["VMCOREINFO"] = Object(
            prog, prog.array_type(char, len(info)), info
        )
        kernel.objects["max_pfn"] = Object(prog, kernel.ulong, 4 * PER_SECTION)
        # MARKED_PRESENT, HAS_MEM_MAP, IS_ONLINE, IS_EARLY
        words = [maps[nr] | 0xF if nr in maps else 0 for nr in range(4)]
        kernel.words(SECTIONS, *words)
        root = prog.array_type(kernel.to(section), 1)
        kernel.objects["mem_section"] = Object(prog, root, [SECTIONS])
        highest = Object(prog, kernel.ulong, 3)
        kernel.objects["__highest_present_section_nr"] = highest
        self.pages = kernel.to(page)


def coded(nr: int, address: int) -> int:
    """What a section says of its array of pages: where page frame 0 would be."""
    return address - nr * PER_SECTION * SIZE


# In another order than the memory, two that follow each other in both.
OF_SECTIONS = {
    0: coded(0, MAPS + 0x200000),
    1: coded(1, MAPS + 0x280000),
    3: coded(3, MAPS),
}


def check(prog: Program, pages: dict[int, int]) -> None:
    """Each function says that the frame of each key has its page at the value."""
    for pfn, address in pages.items():
        assert pfn_to_page(prog, pfn).value_() == address
        page = pfn_to_page(prog, pfn)
        assert page_to_pfn(page).value_() == pfn
        virtual = DIRECT_MAP + pfn * 4096
        assert page_to_virt(page).value_() == virtual
        assert virt_to_page(prog, virtual + 5).value_() == address
        assert memory_maps(prog).frame(address) == pfn
    addresses = np.array(list(pages.values()), np.uint64)
    assert memory_maps(prog).frames(addresses).tolist() == list(pages)


def test_sections_with_arrays_of_their_own(kernel: Kernel) -> None:
    """SPARSEMEM."""
    prog = Memory(kernel, OF_SECTIONS).prog
    ranges = [
        (start, end, mem_map.value_())
        for start, end, mem_map in for_each_valid_page_range(prog)
    ]
    assert ranges == [
        (0, 2 * PER_SECTION, MAPS + 0x200000),
        (3 * PER_SECTION, 4 * PER_SECTION, OF_SECTIONS[3]),
    ]
    check(
        prog,
        {
            3 * PER_SECTION: MAPS,
            4 * PER_SECTION - 1: MAPS + (PER_SECTION - 1) * SIZE,
            0: MAPS + 0x200000,
            PER_SECTION + 5: MAPS + 0x280000 + 5 * SIZE,
            2 * PER_SECTION - 1: MAPS + 0x300000 - SIZE,
        },
    )


def test_what_has_no_page(kernel: Kernel) -> None:
    memory = Memory(kernel, OF_SECTIONS)
    prog = memory.prog
    for pfn in (-1, 2 * PER_SECTION, 4 * PER_SECTION):
        with pytest.raises(FaultError):
            pfn_to_page(prog, pfn)
    for address in (0, MAPS - SIZE, MAPS + PER_SECTION * SIZE, MAPS + 0x300000):
        with pytest.raises(FaultError):
            page_to_pfn(Object(prog, memory.pages, address))
        with pytest.raises(FaultError) as caught:
            memory_maps(prog).frames(np.array([MAPS, address], np.uint64))
        assert caught.value.address == address
    # Of an address in a hole of the memory, nothing is known.
    assert slab_object_info(prog, DIRECT_MAP + 2 * PER_SECTION * 4096) is None


@pytest.mark.parametrize("known", [True, False])
def test_one_array_with_holes(kernel: Kernel, known: bool) -> None:
    """SPARSEMEM_VMEMMAP, on x86-64 without a vmemmap_base unless it is random."""
    memory = Memory(kernel, dict.fromkeys((0, 1, 3), VMEMMAP))
    if known:
        vmemmap = Object(memory.prog, memory.pages, VMEMMAP)
        kernel.objects["vmemmap"] = vmemmap
    pfns = (0, 1, PER_SECTION, 4 * PER_SECTION - 1)
    check(memory.prog, {pfn: VMEMMAP + pfn * SIZE for pfn in pfns})


def test_one_array(kernel: Kernel) -> None:
    """FLATMEM, of a machine whose memory does not begin at 0."""
    memory = Memory(kernel, {})
    prog = memory.prog
    del kernel.objects["mem_section"]
    kernel.objects["mem_map"] = Object(prog, memory.pages, MAPS)
    kernel.objects["ARCH_PFN_OFFSET"] = Object(prog, kernel.ulong, 16)
    kernel.objects["max_mapnr"] = Object(prog, kernel.ulong, 100)
    ((start, end, mem_map),) = for_each_valid_page_range(prog)
    assert (start, end, mem_map.value_()) == (16, 116, MAPS - 16 * SIZE)
    check(prog, {16: MAPS, 115: MAPS + 99 * SIZE})


def test_slabs_of_sections(kernel: Kernel) -> None:
    memory = Memory(kernel, OF_SECTIONS)
    prog = memory.prog
    flag = prog.enum_type("pageflags", kernel.u32, [TypeEnumerator("PG_slab", 9)])
    kernel.types["pageflags"] = flag
    cache = kernel.at(kernel.struct("kmem_cache", num=kernel.u32), DIRECT_MAP + 0x1000)
    pfns = [7, PER_SECTION + 1, 4 * PER_SECTION - 1]
    every = np.zeros((4, PER_SECTION, SIZE // 8), np.uint64)
    every.reshape(-1, 2)[pfns] = 1 << 9, cache.value_()
    every[0, 8, 1] = cache.value_()  # Not a slab.
    for nr, mem_map in OF_SECTIONS.items():
        address = mem_map + nr * PER_SECTION * SIZE
        kernel.memory(address, every[nr].tobytes())
    slabs = arrays.slabs(cache)
    assert slabs.tolist() == [pfn_to_page(prog, pfn).value_() for pfn in pfns]
    assert slab_starts(prog, slabs).tolist() == [
        DIRECT_MAP + pfn * 4096 for pfn in pfns
    ]


FLAGS = """
    locked writeback referenced uptodate dirty lru head waiters active workingset
    owner_priv_1 owner_2 arch_1 reserved private private_2 reclaim swapbacked
    unevictable dropbehind mlocked uncached hwpoison young idle skip_kasan_poison error
    checked pinned savepinned foreign xen_remapped slob_free double_map isolated
    reported vmemmap_self_hosted has_hwpoisoned mappedtodisk readahead
"""
NAMES_OF_FLAGS = FLAGS.split()


def test_each_function_tells_of_one_flag(kernel: Kernel) -> None:
    flags = [TypeEnumerator(f"PG_{name}", i) for i, name in enumerate(NAMES_OF_FLAGS)]
    flags.append(TypeEnumerator("__NR_PAGEFLAGS", len(flags)))
    kernel.types["pageflags"] = kernel.prog.enum_type("pageflags", kernel.u32, flags)
    page = kernel.struct("page", flags=kernel.ulong, compound_head=kernel.ulong)
    kernel.objects["PAGE_SIZE"] = Object(kernel.prog, kernel.ulong, 4096)
    size = 16
    for i in range(len(NAMES_OF_FLAGS)):
        kernel.words(VMEMMAP + size * (i + 1), 1 << i, 0)
    kernel.words(VMEMMAP + size * (len(NAMES_OF_FLAGS) + 1), 0, 0)
    pages = [kernel.at(page, VMEMMAP + size * i) for i in range(1, len(flags) + 1)]
    names = {name for name in mm.__all__ if name.startswith("Page")}
    for name in names - {"PageCompound", "PageHead", "PageSlab", "PageTail"}:
        found = [i for i, page in enumerate(pages) if getattr(mm, name)(page)]
        (flag,) = (NAMES_OF_FLAGS[i] for i in found)
        assert flag.replace("_", "") == name.removeprefix("Page").lower()


def test_size_of_memory_blocks(kernel: Kernel) -> None:
    """Blocks of sections, which kernels without CONFIG_MEMORY_HOTPLUG do not have."""
    prog = Memory(kernel, {}).prog
    # x86's, which the first who asks for it sets.
    kernel.objects["memory_block_size_probed"] = Object(prog, kernel.ulong, 0)
    with pytest.raises(LookupError, match="sections_per_block"):
        mm.memory_block_size_bytes(prog)
    kernel.objects["sections_per_block"] = Object(prog, kernel.int, 16)
    size = mm.memory_block_size_bytes(prog)
    assert (size.value_(), size.type_.type_name()) == (16 << 27, "unsigned long")
