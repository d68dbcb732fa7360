"""``kmem -i``, ``-V``, ``-h``, ``-o`` and ``-v``: usage, statistics, mappings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from drgn import NULL, Object, Program
from drgn.helpers.common.format import (
    CellFormat,
    number_in_binary_units,
    print_table,
)
from drgn.helpers.linux.block import nr_blockdev_pages
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.hugetlb import (
    for_each_hstate,
    huge_page_size,
    hugetlb_total_usage,
)
from drgn.helpers.linux.mm import (
    for_each_vmap_area,
    totalram_pages,
    vm_commit_limit,
    vm_memory_committed,
)
from drgn.helpers.linux.percpu import per_cpu_ptr
from drgn.helpers.linux.slab import slab_total_usage
from drgn.helpers.linux.swap import swap_total_usage, total_swapcache_pages
from drgn.helpers.linux.vmstat import (
    global_node_page_state,
    global_numa_event_state,
    global_zone_page_state,
    nr_free_pages,
)

from ._kmem_zones import stat_items
from ._output import escaped


class MemoryUsage(NamedTuple):
    """What ``kmem -i`` shows, in pages."""

    total: int
    free: int
    buffers: int
    cached: int
    slab: int
    total_huge: int
    free_huge: int
    total_swap: int
    free_swap: int
    commit_limit: int
    committed: int


def memory_usage(prog: Program) -> MemoryUsage:
    """Sum up how memory is used."""
    buffers = nr_blockdev_pages(prog)
    file_pages = global_node_page_state(prog, prog["NR_FILE_PAGES"])
    huge = hugetlb_total_usage(prog)
    swap = swap_total_usage(prog)
    try:
        swap_cache = total_swapcache_pages(prog)
    except KeyError:
        swap_cache = 0  # !CONFIG_SWAP
    return MemoryUsage(
        totalram_pages(prog),
        nr_free_pages(prog),
        buffers,
        max(file_pages - swap_cache - buffers, 0),
        slab_total_usage(prog).total_pages,
        huge.pages,
        huge.free_pages,
        swap.pages,
        swap.free_pages,
        vm_commit_limit(prog),
        vm_memory_committed(prog),
    )


def print_usage(prog: Program) -> None:
    """Print how memory is used."""
    usage = memory_usage(prog)
    page_size = prog["PAGE_SIZE"].value_()

    def row(label: str, pages: int, of: str = "", total: int = 0) -> Sequence[Any]:
        size = number_in_binary_units(pages * page_size) + "B" if pages else "0"
        share: Any = CellFormat("----", "^")
        if of:
            percent = round(100 * pages / total) if total else 0
            share = CellFormat(f"{percent}% of TOTAL {of}", ">")
        return CellFormat(label, ">"), pages, CellFormat(size, ">"), share

    memory = "MEM", usage.total
    huge = "HUGE", usage.total_huge
    swap = "SWAP", usage.total_swap
    print_table(
        (
            ("", CellFormat("PAGES", ">"), CellFormat("TOTAL", ">"),
             CellFormat("PERCENTAGE", "^")),
            row("TOTAL MEM", usage.total),
            row("FREE", usage.free, *memory),
            row("USED", usage.total - usage.free, *memory),
            row("BUFFERS", usage.buffers, *memory),
            row("CACHED", usage.cached, *memory),
            row("SLAB", usage.slab, *memory),
            (),
            row("TOTAL HUGE", usage.total_huge),
            row("HUGE FREE", usage.free_huge, *huge),
            (),
            row("TOTAL SWAP", usage.total_swap),
            row("SWAP USED", usage.total_swap - usage.free_swap, *swap),
            row("SWAP FREE", usage.free_swap, *swap),
            (),
            row("COMMIT LIMIT", usage.commit_limit),
            row("COMMITTED", usage.committed, "LIMIT", usage.commit_limit),
        )
    )  # fmt: skip


def vm_event_totals(prog: Program) -> list[tuple[str, int]]:
    """How often each event has happened on all CPUs."""
    from drgn.helpers.linux.cpumask import for_each_online_cpu
    from drgn.helpers.linux.percpu import per_cpu

    states = prog["vm_event_states"]
    counts = [per_cpu(states, cpu).event.value_() for cpu in for_each_online_cpu(prog)]
    return [
        (name, sum(count[item] for count in counts))
        for name, item in stat_items(prog, "vm_event_item")
    ]


def vm_statistics(prog: Program) -> Iterable[tuple[str, list[tuple[str, int]]]]:
    """The statistics of zones, nodes, NUMA and events: titles, names with values."""
    yield (
        "VM_ZONE_STAT",
        [
            (name, global_zone_page_state(prog, item))
            for name, item in stat_items(prog, "zone_stat_item")
        ],
    )
    yield (
        "VM_NODE_STAT",
        [
            (name, global_node_page_state(prog, item))
            for name, item in stat_items(prog, "node_stat_item")
        ],
    )
    for title in "vm_numa_event", "vm_numa_stat":
        # CONFIG_NUMA; of its own since 4.14, renamed in 5.14 (f19298b9516c).
        if title in prog and "NUMA_HIT" in prog:
            yield (
                title.upper(),
                [
                    (name, global_numa_event_state(prog, item))
                    for name, item in stat_items(prog, "numa_stat_item")
                ],
            )
    if "vm_event_states" in prog:  # CONFIG_VM_EVENT_COUNTERS
        yield "VM_EVENT_STATES", vm_event_totals(prog)


def print_statistics(prog: Program) -> None:
    """Print all statistics."""
    separator = ""
    for title, values in vm_statistics(prog):
        print(f"{separator}{title}:")
        separator = "\n"
        for name, value in values:
            print(f"{name:>31}: {value}")


def print_huge_pages(prog: Program) -> None:
    """Print the sizes of HugeTLB pages and how many there are."""
    rows: list[Sequence[Any]] = [
        (CellFormat("HSTATE", "^"), CellFormat("SIZE", ">"), CellFormat("FREE", ">"),
         CellFormat("TOTAL", ">"), "NAME")
    ]  # fmt: skip
    for hstate in for_each_hstate(prog):
        size = number_in_binary_units(huge_page_size(hstate).value_())
        rows.append(
            (
                CellFormat(hstate.value_(), "^x"),
                CellFormat(f"{size}B", ">"),
                hstate.free_huge_pages.value_(),
                hstate.nr_huge_pages.value_(),
                escaped(hstate.name.string_()),
            )
        )
    print_table(rows)


def print_per_cpu_offsets(prog: Program) -> None:
    """Print what is added to a per-CPU symbol for each CPU."""
    print("PER-CPU OFFSET VALUES:")
    null = NULL(prog, "void *")
    for cpu in for_each_possible_cpu(prog):
        name = f"CPU {cpu}"
        print(f"{name:>7}: {per_cpu_ptr(null, cpu).value_():x}")


def print_vmap_areas(areas: Iterable[Object]) -> None:
    """Print areas of kernel address space."""
    rows: list[Sequence[Any]] = [
        (CellFormat("VMAP_AREA", "^"), CellFormat("VM_STRUCT", "^"),
         CellFormat("ADDRESS RANGE", "^"), CellFormat("SIZE", ">"))
    ]  # fmt: skip
    for area in areas:
        start, end = area.va_start.value_(), area.va_end.value_()
        rows.append(
            (
                CellFormat(area.value_(), "x"),
                CellFormat(area.vm.value_(), "^x"),
                f"{start:x} - {end:x}",
                end - start,
            )
        )
    print_table(rows)


def print_all_vmap_areas(prog: Program) -> None:
    """Print all areas of kernel address space."""
    print_vmap_areas(for_each_vmap_area(prog))
