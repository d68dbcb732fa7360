"""``pte``: what the bits of a page table entry mean."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NamedTuple

from drgn import Architecture, Object, Program
from drgn.commands import CommandError, argument, drgn_argument
from drgn.helpers.common.format import CellFormat, print_table
from drgn.helpers.linux.swap import swap_file_path

from ._code import CrashCodeBuilder
from ._define import crash_command
from ._output import escaped

# arch/x86/include/asm/pgtable_types.h
FLAGS = (
    ("PRESENT", 0),
    ("RW", 1),
    ("USER", 2),
    ("PWT", 3),
    ("PCD", 4),
    ("ACCESSED", 5),
    ("DIRTY", 6),
    ("PSE", 7),
    ("GLOBAL", 8),
    ("NX", 63),
)
_PRESENT = 1 << 0
# Of an entry that is not present, bit 8 says that no access to its page is allowed.
_PROTNONE = 1 << 8
# PTE_PFN_MASK without memory encryption: bits 12 to 51.
_PFN_MASK = (1 << 52) - (1 << 12)

# arch/x86/include/asm/pgtable_64.h: of a swap entry, type and offset.
_TYPE_BITS = 5
_OFFSET_FIRST_BIT = 9


class SwapEntry(NamedTuple):
    """Where a page was swapped out to: the number of the swap space, and the page."""

    type: int
    offset: int


def _inverts(prog: Program) -> bool:
    """Whether the kernel inverts the addresses in entries that are not present.

    It does since 4.19 and the stable kernels of its time, against L1TF
    (6b28baca9b1f, bcd11afa7ade, 2f22b4cd45b6), which brought l1tf_mitigation too.
    """
    return "l1tf_mitigation" in prog


def pte_physical(prog: Program, pte: int) -> int | None:
    """The physical address of a page table entry, None if it maps nothing."""
    if pte & _PRESENT:
        return pte & _PFN_MASK
    if pte & _PROTNONE:
        return (~pte if _inverts(prog) else pte) & _PFN_MASK
    return None


def pte_swap_entry(prog: Program, pte: int) -> SwapEntry:
    """What a page table entry that maps nothing and is not 0 means."""
    if _inverts(prog):
        type = pte >> 64 - _TYPE_BITS
        offset = (~pte << _TYPE_BITS & (1 << 64) - 1) >> _TYPE_BITS + _OFFSET_FIRST_BIT
        return SwapEntry(type, offset)
    type = pte >> _OFFSET_FIRST_BIT & (1 << _TYPE_BITS) - 1
    return SwapEntry(type, pte >> _OFFSET_FIRST_BIT + _TYPE_BITS)


def swap_space(prog: Program, type: int) -> Object | None:
    """The ``struct swap_info_struct *`` of a number; None if it is not in use."""
    try:
        count = prog["nr_swapfiles"].value_()
    except KeyError:
        return None  # !CONFIG_SWAP
    if type >= count:
        return None
    info = prog["swap_info"][type].read_()
    return info if info else None


def pte_flags(pte: int) -> str:
    """The names of the bits that are set in an entry which is present."""
    names = [name for name, bit in FLAGS if pte >> bit & 1]
    if not pte & _PRESENT:
        names = ["PROTNONE" if name == "GLOBAL" else name for name in names]
    return "|".join(names)


@crash_command(
    description="translate a page table entry",
    long_description="Show the physical address and the flags of a page table entry, or"
    " the swap space\nand the page in it where it is swapped out (x86-64).",
    arguments=(
        argument("entries", metavar="contents", type="hexadecimal", nargs="+",
                 help="hexadecimal contents of a page table entry"),
        drgn_argument,
    ),
)  # fmt: skip
def _crash_cmd_pte(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if prog.platform is None or prog.platform.arch != Architecture.X86_64:
        raise CommandError("pte: page table entries are known of x86-64 only")
    for pte in args.entries:
        if not 0 <= pte < 1 << 64:
            raise CommandError(f"pte: not a page table entry: {pte:#x}")
    if args.drgn:
        _print_code(prog, args.entries)
        return
    for pte in args.entries:
        print_table(_rows(prog, pte))


def _rows(prog: Program, pte: int) -> list[Sequence[Any]]:
    physical = pte_physical(prog, pte)
    shown = CellFormat(pte, "^x")
    if pte and physical is None:
        type, offset = pte_swap_entry(prog, pte)
        space = swap_space(prog, type)
        # Entries of types without a space are of migration, poisoned memory etc.
        path = f"(type {type})"
        if space is not None:
            path = escaped(swap_file_path(space)) or path
        return [
            (
                CellFormat("PTE", "^"),
                CellFormat("SWAP", "^"),
                CellFormat("OFFSET", "^"),
            ),
            (shown, CellFormat(path, "^"), CellFormat(offset, "^")),
        ]
    flags = f"({pte_flags(pte)})" if physical is not None else "(no mapping)"
    return [
        (CellFormat("PTE", "^"), CellFormat("PHYSICAL", "^"), "FLAGS"),
        (shown, CellFormat(physical or 0, "^x"), flags),
    ]


def _print_code(prog: Program, entries: Sequence[int]) -> None:
    code = CrashCodeBuilder(prog)
    names = "".join(f'    "{name}": {bit},\n' for name, bit in FLAGS)
    code.append(f"bits = {{\n{names}}}\n")
    inverted = _inverts(prog)
    if inverted:
        code.append("# This kernel inverts the addresses of what is not present.\n")
    for pte in entries:
        code.append(f"\npte = {pte:#x}\n")
        code.append("flags = [name for name, bit in bits.items() if pte >> bit & 1]\n")
        if pte & _PRESENT:
            code.append(f"physical = pte & {_PFN_MASK:#x}\n")
        elif pte & _PROTNONE:
            value = "~pte" if inverted else "pte"
            code.append(f"physical = {value} & {_PFN_MASK:#x}\n")
        elif pte:
            if inverted:
                code.append(
                    "swap_type = pte >> 59\n"
                    f"swap_offset = (~pte & {(1 << 59) - 1:#x}) >> 9\n"
                )
            else:
                code.append("swap_type = pte >> 9 & 0x1f\nswap_offset = pte >> 14\n")
            code.add_from_import("drgn.helpers.linux.swap", "swap_file_path")
            code.append(
                'if swap_type < prog["nr_swapfiles"]:\n'
                '    path = swap_file_path(prog["swap_info"][swap_type])\n'
            )
    code.print()
