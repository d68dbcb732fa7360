"""``kmem -f``, ``-F``, ``-n`` and ``-z``: free lists, nodes, sections and zones."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from drgn import BadDataError, FaultError, Object, Program, offsetof
from drgn.helpers import ValidationError
from drgn.helpers.common.format import (
    CellFormat,
    RowOptions,
    double_quote_ascii_string,
    print_table,
)
from drgn.helpers.linux.device import dev_name
from drgn.helpers.linux.list import validate_list_for_each
from drgn.helpers.linux.mm import (
    decode_memory_block_state,
    for_each_memory_block,
    memory_block_size_bytes,
    pfn_to_page,
)
from drgn.helpers.linux.mmzone import (
    decode_section_flags,
    for_each_online_pgdat,
    for_each_present_section,
    high_wmark_pages,
    low_wmark_pages,
    min_wmark_pages,
    section_decode_mem_map,
    section_mem_map_addr,
    section_nr_to_pfn,
)
from drgn.helpers.linux.vmstat import nr_free_pages, zone_page_state

from ._output import escaped, print_rows, progress

Row = Sequence[Any]

_ZONES = "zones"
_LISTS = "lists"
_RULE = "-" * 72


def _center(text: object) -> CellFormat:
    return CellFormat(text, "^")


def _right(text: object) -> CellFormat:
    return CellFormat(text, ">")


def _hex(value: int) -> CellFormat:
    return CellFormat(value, "x")


def _centered_hex(value: int) -> CellFormat:
    return CellFormat(value, "^x")


def _string(object: Object) -> str:
    return escaped(object.string_())


def each_zone(prog: Program) -> Iterator[tuple[int, int, Object]]:
    """Iterate over (node ID, index in the node, ``struct zone *``)."""
    for pgdat in for_each_online_pgdat(prog):
        for i, zone in enumerate(pgdat.node_zones):
            yield pgdat.node_id.value_(), i, zone.address_of_()


def stat_items(prog: Program, enum: str) -> list[tuple[str, int]]:
    """The names and values of an ``enum *_stat_item``, without its last, the count."""
    enumerators = prog.type(f"enum {enum}").enumerators or ()
    return [
        (e.name, e.value)
        for e in enumerators
        if not (e.name.startswith("NR_VM_") and e.name.endswith("_ITEMS"))
    ]


def migrate_types(prog: Program) -> dict[int, str]:
    """The names of the kinds of free lists, ``UNMOVABLE`` etc., by number."""
    enumerators = prog.type("enum migratetype").enumerators or ()
    # MIGRATE_PCPTYPES counts those that CPUs have lists of; the next kind follows on.
    return {
        e.value: e.name.removeprefix("MIGRATE_")
        for e in enumerators
        if e.name.startswith("MIGRATE_")  # Not __MIGRATE_TYPE_END.
        and e.name not in ("MIGRATE_PCPTYPES", "MIGRATE_TYPES")
    }


#: Lists of more nodes are read as arrays, which need numpy.
_LONG_LIST = 2000


def list_nodes(head: Object, expected: int) -> tuple[list[int], Exception | None]:
    """The addresses of a list's nodes, as many as are right, and what ends them.

    :param head: ``struct list_head``
    :param expected: About how many there may be.
    """
    if expected > _LONG_LIST:
        try:
            return _long_list(head), None
        except (BadDataError, FaultError):
            pass  # It is broken: go as far as it is right, a node at a time.
    nodes = []
    try:
        for node in validate_list_for_each(head.address_of_()):
            nodes.append(node.value_())
    except (ValidationError, FaultError) as error:
        return nodes, error
    return nodes, None


def _long_list(head: Object) -> list[int]:
    prog = head.prog_
    word = prog.address_size()
    nodes = prog.chain(head.next, 0, head.address_ or 0)
    back = prog.gather("unsigned long", nodes + nodes.dtype.type(word)).filled(0)
    found: list[int] = nodes.tolist()
    if back.tolist() != [head.address_, *found[:-1]]:
        raise BadDataError("a node does not point back to the one before it")
    return found


_LIST_HEADER = (
    _center("ORDER"),
    _right("SIZE"),
    "MIGRATE",
    _center("FREE_LIST"),
)


class _FreeLists:
    """The free lists of all zones as rows, and how many pages were on them."""

    def __init__(self, prog: Program, with_pages: bool) -> None:
        self._with_pages = with_pages
        self._types = migrate_types(prog)
        self._kbytes = prog["PAGE_SIZE"].value_() // 1024
        self._digits = 2 * prog.address_size()
        self.rows: list[Row] = []
        self.problems: list[str] = []
        self.pages = 0
        zones = list(each_zone(prog))
        self._many_nodes = len({node for node, *_ in zones}) > 1
        for node, i, zone in progress(zones, "Walking free lists"):
            self._add_zone(node, i, zone)

    def _add_zone(self, node: int, i: int, zone: Object) -> None:
        prog = zone.prog_
        size = zone.spanned_pages.value_()
        start = zone.zone_start_pfn.value_()
        page = pfn_to_page(prog, start).value_() if size else 0
        physical = start * prog["PAGE_SIZE"].value_()
        header: Row = (
            _center("ZONE"), "NAME", _right("SIZE"), _right("FREE"),
            _center("MEM_MAP"), _center("START_PADDR"), _center("START_PFN"),
        )  # fmt: skip
        row: Row = (
            _center(i), _string(zone.name), size,
            zone_page_state(zone, prog["NR_FREE_PAGES"]),
            _centered_hex(page), _centered_hex(physical), _center(start),
        )  # fmt: skip
        if self._many_nodes:
            header, row = (_right("NODE"), *header), (node, *row)
        self.rows += [RowOptions(header, group=_ZONES), RowOptions(row, group=_ZONES)]
        if size:
            if not self._with_pages:
                counts = _right("BLOCKS"), _right("PAGES")
                self._add_row((*_LIST_HEADER, *counts))
            for order, area in enumerate(zone.free_area):
                count = area.nr_free.value_()
                for kind, head in enumerate(area.free_list):
                    self._add_list(zone, order, kind, head, count)
        self.rows.append(())

    def _add_row(self, row: Row) -> None:
        self.rows.append(RowOptions(row, group=_LISTS))

    def _add_list(
        self, zone: Object, order: int, kind: int, head: Object, expected: int
    ) -> None:
        name = self._types.get(kind, str(kind))
        address = head.address_ or 0
        row: Row = (
            _center(order),
            _right(f"{self._kbytes << order}k"),
            name,
            _centered_hex(address),
        )
        blocks, problem = list_nodes(head, expected)
        counts: Row = len(blocks), len(blocks) << order
        if problem is None:
            self.pages += len(blocks) << order
        else:
            counts = "[CORRUPTED]", ""
            self.problems.append(
                f"kmem: {_string(zone.name)} order {order} {name} free list: {problem}"
            )
        if not self._with_pages:
            self._add_row((*row, *counts))
            return
        self._add_row(_LIST_HEADER)
        self._add_row(row)
        offset = _lru_offset(zone.prog_)
        for block in blocks:
            # Wider than the column that it is in, so in a group of its own.
            self.rows.append(
                RowOptions((f"{block - offset:0{self._digits}x}",), group="pages")
            )


def _lru_offset(prog: Program) -> int:
    return offsetof(prog.type("struct page"), "lru")


def print_free_lists(prog: Program, with_pages: bool) -> None:
    """Print the free lists, and check that their pages are as many as are counted.

    Pages of a broken list are not among those that were found.
    """
    lists = _FreeLists(prog, with_pages)
    print_table(lists.rows)
    for problem in lists.problems:
        print(problem, file=sys.stderr)
    counted = nr_free_pages(prog)
    verdict = "verified" if counted == lists.pages else f"found {lists.pages}"
    print(f"nr_free_pages: {counted}  ({verdict})")


def print_nodes(prog: Program) -> None:
    """Print NUMA nodes with their zones, then sections, then memory blocks."""
    rows: list[Row] = []
    for pgdat in for_each_online_pgdat(prog):
        if rows:
            rows += [(), RowOptions((_RULE,), group="rule"), ()]
        rows += _node_rows(pgdat)
    print_table(rows)
    if "mem_section" in prog:  # CONFIG_SPARSEMEM
        print(f"\n{_RULE}\n")
        print_rows(_section_rows(prog))
    if "memory_subsys" in prog:  # CONFIG_MEMORY_HOTPLUG
        print(f"\n{_RULE}\n")
        print_rows(_memory_block_rows(prog))


def _node_rows(pgdat: Object) -> Iterator[Row]:
    prog = pgdat.prog_
    page_size = prog["PAGE_SIZE"].value_()
    node = pgdat.node_id.value_()
    start = pgdat.node_start_pfn.value_()
    size = pgdat.node_spanned_pages.value_()

    def row(group: str, *cells: Any) -> Row:
        return RowOptions(cells, group=(node, group))

    yield row("node", _center("NODE"), _center("SIZE"), _center("PGLIST_DATA"),
              _center("NODE_ZONES"))  # fmt: skip
    cells: Sequence[Any] = _center(node), size, _hex(pgdat.value_())
    for zone in pgdat.node_zones:
        yield row("node", *cells, _hex(zone.address_ or 0))
        cells = "", "", ""
    yield row("map", _center("MEM_MAP"), _center("START_PADDR"), _center("START_PFN"))
    page = pfn_to_page(prog, start).value_() if size else 0
    yield row("map", _hex(page), _centered_hex(start * page_size), _center(start))
    yield ()
    yield row("zone", _center("ZONE"), "NAME", _right("SIZE"), _center("MEM_MAP"),
              _center("START_PADDR"), _center("START_PFN"))  # fmt: skip
    for i, zone in enumerate(pgdat.node_zones):
        start = zone.zone_start_pfn.value_()
        size = zone.spanned_pages.value_()
        page = pfn_to_page(prog, start).value_() if size else 0
        yield row("zone", _center(i), _string(zone.name), size, _hex(page),
                  _hex(start * page_size), start)  # fmt: skip


def _section_rows(prog: Program) -> Iterator[Row]:
    yield (_right("NR"), _center("SECTION"), _center("CODED_MEM_MAP"),
           _center("MEM_MAP"), "STATE", "PFN")  # fmt: skip
    for nr, section in for_each_present_section(prog):
        yield (
            nr,
            _hex(section.value_()),
            _hex(section_mem_map_addr(section).value_()),
            _hex(section_decode_mem_map(section, nr).value_()),
            _section_state(section),
            str(section_nr_to_pfn(prog, nr).value_()),
        )


def _section_state(section: Object) -> str:
    """A letter for each flag: Present, Map, Online, Early, zone Device."""
    letters = {
        "SECTION_MARKED_PRESENT": "P",
        "SECTION_HAS_MEM_MAP": "M",
        "SECTION_IS_ONLINE": "O",
        "SECTION_IS_EARLY": "E",
        "SECTION_TAINT_ZONE_DEVICE": "D",
    }
    flags = decode_section_flags(section).split("|")
    return "".join(letters.get(flag, "") for flag in flags)


def _memory_block_rows(prog: Program) -> Iterator[Row]:
    size = memory_block_size_bytes(prog).value_()
    section_pages = section_nr_to_pfn(prog, 1).value_()
    section_size = section_pages * prog["PAGE_SIZE"].value_()
    blocks = list(for_each_memory_block(prog))
    starts = [block.start_section_nr.value_() * section_size for block in blocks]
    digits = max([len(f"{start + size - 1:x}") for start in starts], default=1)
    # Since 4.17 (d0dc12e86b31).
    has_node = prog.type("struct memory_block").has_member("nid")
    yield (_center("MEMORY_BLOCK"), "NAME", _center("PHYSICAL RANGE"),
           *([_center("NODE")] if has_node else []), "STATE",
           "START_SECTION_NO")  # fmt: skip
    for block, start in zip(blocks, starts, strict=True):
        yield (
            _hex(block.value_()),
            escaped(dev_name(block.dev.address_of_())),
            f"{start:{digits}x} - {start + size - 1:{digits}x}",
            *([_center(str(block.nid.value_()))] if has_node else []),
            decode_memory_block_state(block).removeprefix("MEM_"),
            str(block.start_section_nr.value_()),
        )


def print_zones(prog: Program) -> None:
    """Print the statistics of each zone."""
    items = stat_items(prog, "zone_stat_item")
    width = 2 + max(len(name) for name, _ in items)
    separator = ""
    for node, i, zone in each_zone(prog):
        name = double_quote_ascii_string(zone.name.string_())
        print(
            f"{separator}NODE: {node}  ZONE: {i}  ADDR: {zone.value_():x}  NAME: {name}"
        )
        separator = "\n"
        size = zone.spanned_pages.value_()
        if not size:
            print("  [unpopulated]")
            continue
        present = zone.present_pages.value_()
        shown = f"  PRESENT: {present}" if present != size else ""
        marks = min_wmark_pages(zone), low_wmark_pages(zone), high_wmark_pages(zone)
        print(f"  SIZE: {size}{shown}  MIN/LOW/HIGH: {'/'.join(map(str, marks))}")
        print("  VM_STAT:")
        for name, item in items:
            print(f"{name:>{width}}  {zone_page_state(zone, item)}")
        print()
