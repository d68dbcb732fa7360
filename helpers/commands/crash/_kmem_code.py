"""The code that ``kmem --drgn`` prints."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from drgn import Program

from ._code import CrashCodeBuilder
from ._kmem_slab import ignored_names
from ._members import member_variable, parse_members

_LINUX = "drgn.helpers.linux"


def print_code(
    prog: Program,
    option: str | None,
    args: argparse.Namespace,
    addresses: list[int],
    names: list[str],
) -> None:
    """Print code for what ``kmem`` was asked."""
    code = CrashCodeBuilder(prog)
    if addresses:
        code.add_from_import("drgn.helpers.common.memory", "identify_address_all")
        listed = ", ".join(map(hex, addresses))
        with code.begin_block(f"for address in [{listed}]:\n"):
            code.append("identities = list(identify_address_all(address))\n")
    elif option == "slab":
        _append_slab(code, names, ignored_names(args.ignore))
    elif option == "page_members":
        _append_members(code, args.page_members)
    elif option == "page_flags":
        _append_flags(code, args.page_flags)
    else:
        assert option is not None
        _APPEND[option](prog, code)
    code.print()


def _append_free_lists(prog: Program, code: CrashCodeBuilder) -> None:
    code.add_from_import(f"{_LINUX}.list", "validate_list_for_each_entry")
    code.add_from_import(f"{_LINUX}.mm", "PFN_PHYS", "pfn_to_page")
    code.add_from_import(f"{_LINUX}.mmzone", "for_each_online_pgdat")
    code.add_from_import(f"{_LINUX}.vmstat", "nr_free_pages", "zone_page_state")
    code.append(
        """\
actual_free_pages = 0
for pgdat in for_each_online_pgdat():
    for zone in pgdat.node_zones:
        name = zone.name
        size = zone.spanned_pages
        if not size:
            continue
        free = zone_page_state(zone.address_of_(), prog["NR_FREE_PAGES"])
        start_pfn = zone.zone_start_pfn.read_()
        mem_map = pfn_to_page(start_pfn)
        start_paddr = PFN_PHYS(start_pfn)
        for order, area in enumerate(zone.free_area):
            for migrate_type, free_list in enumerate(area.free_list):
                blocks = list(
                    validate_list_for_each_entry(
                        "struct page", free_list.address_of_(), "lru"
                    )
                )
                actual_free_pages += len(blocks) << order
expected_free_pages = nr_free_pages()
"""
    )


def _append_usage(prog: Program, code: CrashCodeBuilder) -> None:
    code.add_from_import(f"{_LINUX}.block", "nr_blockdev_pages")
    code.add_from_import(f"{_LINUX}.hugetlb", "hugetlb_total_usage")
    code.add_from_import(
        f"{_LINUX}.mm", "totalram_pages", "vm_commit_limit", "vm_memory_committed"
    )
    code.add_from_import(f"{_LINUX}.slab", "slab_total_usage")
    code.add_from_import(f"{_LINUX}.swap", "swap_total_usage", "total_swapcache_pages")
    code.add_from_import(f"{_LINUX}.vmstat", "global_node_page_state", "nr_free_pages")
    code.append(
        """\
total_mem = totalram_pages()
free = nr_free_pages()
used = total_mem - free
buffers = nr_blockdev_pages()
file_pages = global_node_page_state(prog["NR_FILE_PAGES"])
cached = file_pages - total_swapcache_pages() - buffers
slab_usage = slab_total_usage()
hugetlb_usage = hugetlb_total_usage()
swap_usage = swap_total_usage()
commit_limit = vm_commit_limit()
committed = vm_memory_committed()
"""
    )


def _append_vmap_areas(prog: Program, code: CrashCodeBuilder) -> None:
    code.add_from_import(f"{_LINUX}.mm", "for_each_vmap_area")
    code.append(
        """\
for va in for_each_vmap_area():
    vm = va.vm
    start = va.va_start
    end = va.va_end
    size = end - start
"""
    )


def _append_statistics(prog: Program, code: CrashCodeBuilder) -> None:
    kinds = [
        ("zone_stat_item", "global_zone_page_state"),
        ("node_stat_item", "global_node_page_state"),
    ]
    numa = "vm_numa_event" in prog or "vm_numa_stat" in prog
    if numa and "NUMA_HIT" in prog:  # Without CONFIG_NUMA, it has no elements.
        kinds.append(("numa_stat_item", "global_numa_event_state"))
    if "vm_event_states" in prog:
        kinds.append(("vm_event_item", "global_vm_event_state"))
    code.add_from_import(f"{_LINUX}.vmstat", *(function for _, function in kinds))
    for i, (enum, function) in enumerate(kinds):
        if i:
            code.append("\n")
        values = enum.removesuffix("_item") + "s"
        code.append(
            f"""\
{values} = {{}}
# The last enumerator counts the others.
for name, item in prog.type("enum {enum}").enumerators[:-1]:
    {values}[name] = {function}(item)
"""
        )


def _append_nodes(prog: Program, code: CrashCodeBuilder) -> None:
    code.add_from_import(f"{_LINUX}.mm", "PFN_PHYS", "pfn_to_page")
    code.add_from_import(f"{_LINUX}.mmzone", "for_each_online_pgdat")
    code.append(
        """\
for pgdat in for_each_online_pgdat():
    node = pgdat.node_id
    size = pgdat.node_spanned_pages
    start_pfn = pgdat.node_start_pfn
    mem_map = pfn_to_page(start_pfn)
    start_paddr = PFN_PHYS(start_pfn)
    for zone in pgdat.node_zones:
        zone_name = zone.name
        zone_size = zone.spanned_pages
        zone_start_pfn = zone.zone_start_pfn
        zone_mem_map = pfn_to_page(zone_start_pfn)
        zone_start_paddr = PFN_PHYS(zone_start_pfn)
"""
    )
    if "mem_section" in prog:  # CONFIG_SPARSEMEM
        code.add_from_import(
            f"{_LINUX}.mmzone",
            "decode_section_flags", "for_each_present_section",
            "section_decode_mem_map", "section_mem_map_addr", "section_nr_to_pfn",
        )  # fmt: skip
        code.append(
            """
for nr, section in for_each_present_section():
    coded_mem_map = section_mem_map_addr(section)
    mem_map = section_decode_mem_map(section, nr)
    state = decode_section_flags(section)
    pfn = section_nr_to_pfn(nr)
"""
        )
    if "memory_subsys" in prog:  # CONFIG_MEMORY_HOTPLUG
        code.add_from_import(f"{_LINUX}.device", "dev_name")
        code.add_from_import(f"{_LINUX}.mmzone", "section_nr_to_pfn")
        code.add_from_import(
            f"{_LINUX}.mm",
            "decode_memory_block_state", "for_each_memory_block",
            "memory_block_size_bytes",
        )  # fmt: skip
        code.append(
            """
block_size = memory_block_size_bytes()
for mem in for_each_memory_block():
    name = dev_name(mem.dev.address_of_())
    start_section_no = mem.start_section_nr
    physical_start = PFN_PHYS(section_nr_to_pfn(start_section_no))
    physical_end = physical_start + block_size - 1
    node = getattr(mem, "nid", None)
    state = decode_memory_block_state(mem)
"""
        )


def _append_zones(prog: Program, code: CrashCodeBuilder) -> None:
    code.add_from_import(
        f"{_LINUX}.mmzone",
        "for_each_online_pgdat", "high_wmark_pages", "low_wmark_pages",
        "min_wmark_pages",
    )  # fmt: skip
    code.add_from_import(f"{_LINUX}.vmstat", "zone_page_state")
    code.append(
        """\
for pgdat in for_each_online_pgdat():
    node = pgdat.node_id
    for i in range(len(pgdat.node_zones)):
        zone = pgdat.node_zones[i].address_of_()
        name = zone.name
        size = zone.spanned_pages
        if not size:
            continue
        present = zone.present_pages
        min_watermark = min_wmark_pages(zone)
        low_watermark = low_wmark_pages(zone)
        high_watermark = high_wmark_pages(zone)
        vm_stat = {}
        # The last enumerator counts the others.
        for stat_name, item in prog.type("enum zone_stat_item").enumerators[:-1]:
            vm_stat[stat_name] = zone_page_state(zone, item)
"""
    )


def _append_per_cpu_offsets(prog: Program, code: CrashCodeBuilder) -> None:
    code.add_from_import("drgn", "NULL")
    code.add_from_import(f"{_LINUX}.cpumask", "for_each_possible_cpu")
    code.add_from_import(f"{_LINUX}.percpu", "per_cpu_ptr")
    code.append(
        """\
for cpu in for_each_possible_cpu():
    offset = per_cpu_ptr(NULL(prog, "void *"), cpu)
"""
    )


def _append_huge_pages(prog: Program, code: CrashCodeBuilder) -> None:
    code.add_from_import(f"{_LINUX}.hugetlb", "for_each_hstate", "huge_page_size")
    code.append(
        """\
for hstate in for_each_hstate():
    size = huge_page_size(hstate)
    free = hstate.free_huge_pages
    total = hstate.nr_huge_pages
    name = hstate.name
"""
    )


def _append_pages(prog: Program, code: CrashCodeBuilder) -> None:
    code.add_from_import(
        f"{_LINUX}.mm",
        "PFN_PHYS", "decode_page_flags_value", "for_each_valid_pfn_and_page",
        "page_flags", "page_index",
    )  # fmt: skip
    code.append(
        """\
for pfn, page in for_each_valid_pfn_and_page():
    physical = PFN_PHYS(pfn)
    mapping = page.mapping
    index = page_index(page)
    cnt = page._refcount.counter
    flags = page_flags(page)
    decoded_flags = decode_page_flags_value(flags)
"""
    )


def _append_members(code: CrashCodeBuilder, text: str) -> None:
    code.add_from_import(f"{_LINUX}.mm", "for_each_page")
    with code.begin_block("for page in for_each_page():\n"):
        for member in parse_members(text):
            if member == "flags":
                code.add_from_import(f"{_LINUX}.mm", "page_flags")
                code.append("flags = page_flags(page)\n")
            else:
                code.append(f"{member_variable(member)} = page.{member}\n")


def _append_flags(code: CrashCodeBuilder, flags: object) -> None:
    if isinstance(flags, int):
        code.add_from_import(f"{_LINUX}.mm", "decode_page_flags_value")
        code.append(f"flags = decode_page_flags_value({flags:#x})\n")
        return
    code.append(
        """\
page_flags = {}
for name, bit in prog.type("enum pageflags").enumerators:
    if not name.startswith("__"):
        page_flags[name] = 1 << bit
"""
    )


_SLAB_USAGE = """\
name = cache.name
objsize = cache.object_size
try:
    usage = slab_cache_usage(cache)
except ValueError:
    pass  # Not every slab allocator counts what it has given out.
else:
    allocated = usage.active_objs
    total = usage.num_objs
    slabs = usage.num_slabs
ssize = prog["PAGE_SIZE"] * slab_cache_pages_per_slab(cache)
"""


def _append_slab(
    code: CrashCodeBuilder, names: list[str], ignored: list[bytes]
) -> None:
    module = f"{_LINUX}.slab"
    code.add_from_import(module, "slab_cache_pages_per_slab", "slab_cache_usage")
    if names:
        code.add_from_import(module, "find_slab_cache")
        block = code.begin_block(f"for search_name in {names}:\n")
        code.append("cache = find_slab_cache(search_name)\n")
        code.append("if not cache:\n    continue\n")
    else:
        code.add_from_import(module, "for_each_slab_cache")
        block = code.begin_block("for cache in for_each_slab_cache():\n")
    with block:
        if ignored:
            code.append(f"if cache.name.string_() in {ignored}:\n    continue\n")
        code.append(_SLAB_USAGE)


_APPEND: dict[str, Callable[[Program, CrashCodeBuilder], None]] = {
    "free": _append_free_lists,
    "free_pages": _append_free_lists,
    "info": _append_usage,
    "vmalloc": _append_vmap_areas,
    "vmstat": _append_statistics,
    "nodes": _append_nodes,
    "zones": _append_zones,
    "per_cpu_offset": _append_per_cpu_offsets,
    "hstate": _append_huge_pages,
    "pages": _append_pages,
}
