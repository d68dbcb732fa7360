"""``kmem -p``, ``-m`` and ``-g``: pages and their flags.

A machine has millions of pages, so they are read as columns and printed as they come.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import drgn
from drgn import NULL, Program, Type, TypeKind, sizeof
from drgn.helpers.common.format import CellFormat, print_table
from drgn.helpers.common.type import typeof_member
from drgn.helpers.linux.mm import for_each_valid_page_range

from ._members import parse_members

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Pages whose columns are read at once.
_CHUNK = 1 << 14


def flag_bits(prog: Program) -> list[tuple[str, int]]:
    """The names and bits of ``enum pageflags``, aliases too, in its order."""
    enumerators = prog.type("enum pageflags").enumerators or ()
    return [(e.name, e.value) for e in enumerators if not e.name.startswith("__")]


def print_flags(prog: Program, flags: int | None) -> None:
    """Print all page flags, or those that are set in ``flags``."""
    bits = flag_bits(prog)
    digits = len(f"{1 << max(bit for _, bit in bits):x}")
    rows: list[Sequence[Any]] = [("PAGE-FLAG", CellFormat("BIT", ">"), "VALUE")]
    rows += [
        (name, bit, f"{1 << bit:0{digits}x}")
        for name, bit in bits
        if flags is None or flags >> bit & 1
    ]
    if flags is None:
        print_table(rows)
        return
    print(f"FLAGS: {flags:x}")
    rows = [(f"  {name}", *rest) for name, *rest in rows]
    print_table(rows)


class Pages(NamedTuple):
    """A run of pages: their page frame numbers and the addresses of their structures,
    uint64[n] each."""

    pfns: NDArray[Any]
    addresses: NDArray[Any]


def all_pages(prog: Program) -> Iterator[Pages]:
    """Iterate over all pages, many at a time."""
    import numpy as np

    size = np.uint64(sizeof(prog.type("struct page")))
    for start, end, mem_map in for_each_valid_page_range(prog):
        base = np.uint64(mem_map.value_())
        for first in range(start, end, _CHUNK):
            pfns = np.arange(first, min(first + _CHUNK, end), dtype=np.uint64)
            yield Pages(pfns, pfns * size + base)


def one_page(prog: Program, pfn: int) -> Pages:
    """One page, as a run."""
    import numpy as np

    from drgn.helpers.linux.mm import pfn_to_page

    address = pfn_to_page(prog, pfn).value_()
    return Pages(np.array([pfn], np.uint64), np.array([address], np.uint64))


def _read(prog: Program, pages: Pages, paths: Sequence[str]) -> tuple[Pages, list[Any]]:
    """The pages that can be read, and for each path an array of theirs."""
    import numpy as np

    read = drgn.columns(pages.addresses, *paths, type="struct page", prog=prog)
    mask = np.zeros(len(pages.addresses), np.bool_)
    for column in read.values():
        missing = np.ma.getmaskarray(column)
        mask |= missing.reshape(len(mask), -1).any(axis=1)
    kept = ~mask
    return (
        Pages(pages.pfns[kept], pages.addresses[kept]),
        [read[path].data[kept] for path in paths],
    )


def _has(type: Type, member: str) -> bool:
    try:
        typeof_member(type, member)
    except (LookupError, TypeError):
        return False
    return True


def _flags_path(prog: Program) -> str:
    # memdesc_flags_t since 6.18.
    page = prog.type("struct page")
    return "flags.f" if _has(page, "flags.f") else "flags"


def _index_path(prog: Program) -> str:
    # Renamed in 6.16 (acc53a0b4c15).
    page = prog.type("struct page")
    return "index" if _has(page, "index") else "__folio_index"


class PageColumns(NamedTuple):
    """What ``kmem -p`` shows of n pages, as arrays; those left out cannot be read."""

    pages: Pages
    mappings: NDArray[Any]
    indices: NDArray[Any]
    counts: NDArray[Any]
    flags: NDArray[Any]


def page_columns(prog: Program, pages: Pages) -> PageColumns:
    """Read what ``kmem -p`` shows."""
    # _count before 4.6 (0139aa7b7fa1).
    count = "_refcount" if _has(prog.type("struct page"), "_refcount") else "_count"
    paths = "mapping", _index_path(prog), f"{count}.counter", _flags_path(prog)
    readable, values = _read(prog, pages, paths)
    return PageColumns(readable, *values)


def print_pages(prog: Program, runs: Iterator[Pages] | Sequence[Pages]) -> None:
    """Print the pages of ``kmem -p``."""
    shift = prog["PAGE_SHIFT"].value_()
    digits = 2 * prog.address_size()
    # Addresses line up; the other columns are as wide as usual numbers are.
    physical = len(f"{prog['max_pfn'].value_() << shift:x}")
    header = f"{'PAGE':^{digits}}  {'PHYSICAL':>{physical}}  {'MAPPING':^{digits}}"
    line = f"%0{digits}x  %{physical}x  %{digits}x  %12x  %3x  %s\n"
    named = [(name[3:], bit) for name, bit in flag_bits(prog)]
    texts = _Texts(
        lambda flags: (
            f"{flags:x} "
            + (",".join(name for name, bit in named if flags >> bit & 1) or "0")
        )
    )

    def lines(read: PageColumns) -> str:
        rows = zip(
            read.pages.addresses.tolist(),
            (read.pages.pfns << shift).tolist(),
            read.mappings.tolist(),
            read.indices.tolist(),
            read.counts.tolist(),
            map(texts.__getitem__, read.flags.tolist()),
            strict=True,
        )
        return "".join([line % row for row in rows])

    sys.stdout.write(f"{header}  {'INDEX':>12}  {'CNT':>3}  FLAGS\n")
    _print_runs(
        runs,
        lambda pages: page_columns(prog, pages),
        lambda read: (len(read.pages.pfns), lines(read)),
    )


class _Texts(dict[int, str]):
    """Texts of numbers, of which millions are the same few."""

    def __init__(self, text: Callable[[int], str]) -> None:
        self._text = text

    def __missing__(self, number: int) -> str:
        text = self[number] = self._text(number)
        return text


def _print_runs(
    runs: Iterator[Pages] | Sequence[Pages],
    read: Callable[[Pages], Any],
    lines: Callable[[Any], tuple[int, str]],
) -> None:
    missing = 0
    for pages in runs:
        count, text = lines(read(pages))
        missing += len(pages.pfns) - count
        sys.stdout.write(text)
    if missing:
        print(
            f"kmem: {missing} pages left out: their struct page cannot be read",
            file=sys.stderr,
        )


class _MemberColumn(NamedTuple):
    """How ``kmem -m`` shows a member: what to read, and the format and width of it."""

    paths: tuple[str, ...]
    format: str
    width: int


#: Columns of numbers are at least this wide.
_NUMBER_WIDTH = 12
_TWO_POINTERS = ("struct list_head", "struct callback_head")


def _member_column(prog: Program, member: str) -> _MemberColumn:
    digits = 2 * prog.address_size()
    address = f"%0{digits}x"
    if member == "flags":
        return _MemberColumn((_flags_path(prog),), address, digits)
    page = NULL(prog, "struct page *")[0]
    type = page.subobject_(member).type_
    found = type.unaliased()
    if found.kind == TypeKind.POINTER:
        return _MemberColumn((member,), address, digits)
    if found.kind in (TypeKind.INT, TypeKind.BOOL, TypeKind.ENUM):
        return _MemberColumn((member,), "%d", _NUMBER_WIDTH)
    if found.kind == TypeKind.STRUCT:
        names = [each.name for each in found.members or ()]
        if found.type_name() in _TWO_POINTERS:
            paths = tuple(f"{member}.{name}" for name in names)
            return _MemberColumn(paths, f"{address},{address}", 2 * digits + 1)
        if names == ["counter"]:  # atomic_t
            return _MemberColumn((f"{member}.counter",), "%d", _NUMBER_WIDTH)
    raise NotImplementedError(f"formatting '{type.type_name()}' not implemented")


def print_members(
    prog: Program, runs: Iterator[Pages] | Sequence[Pages], text: str
) -> None:
    """Print members of pages, ``member,member``."""
    members = parse_members(text)
    shown = [_member_column(prog, member) for member in members]
    digits = 2 * prog.address_size()
    header = f"{'PAGE':^{digits}}"
    line = f"%0{digits}x"
    for member, column in zip(members, shown, strict=True):
        width = max(column.width, len(member))
        header += f"  {member:<{width}}"
        if column.format == "%d":
            line += f"  %-{width}d"
        else:
            line += "  " + column.format + " " * (width - column.width)
    last = shown[-1].format
    line = line[: line.rindex("  %")] + "  " + last + "\n"
    paths = [path for column in shown for path in column.paths]

    def lines(found: tuple[Pages, list[Any]]) -> tuple[int, str]:
        pages, values = found
        rows = zip(
            pages.addresses.tolist(),
            *(column.tolist() for column in values),
            strict=True,
        )
        return len(pages.pfns), "".join([line % row for row in rows])

    sys.stdout.write(header.rstrip() + "\n")
    _print_runs(runs, lambda pages: _read(prog, pages, paths), lines)
