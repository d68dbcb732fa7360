"""``btop``, ``ptob``, ``ptov`` and ``vtop``: pages, physical and virtual addresses."""

from __future__ import annotations

import argparse
from typing import Any

from drgn import FaultError, Object, Program
from drgn.commands import (
    argument,
    argument_group,
    drgn_argument,
    mutually_exclusive_group,
)
from drgn.helpers.common.format import print_table
from drgn.helpers.linux.mm import PHYS_PFN, follow_phys, phys_to_virt
from drgn.helpers.linux.percpu import per_cpu_ptr

from ._address import address_argument, is_user_address
from ._code import CrashCodeBuilder
from ._context import task_context
from ._cpuspec import Cpuspec, parse_cpuspec
from ._define import crash_command


@crash_command(
    description="the page that a byte is in",
    arguments=(
        drgn_argument,
        argument("address", nargs="+", type="address",
                 help="hexadecimal number of a byte, as a rule a physical address"),
    ),
)  # fmt: skip
def _crash_cmd_btop(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.drgn:
        code = CrashCodeBuilder(prog)
        code.add_from_import("drgn.helpers.linux.mm", "PHYS_PFN")
        code.append_for_each("address", args.address, "pfn = PHYS_PFN(address)\n")
        code.print()
        return
    for address in args.address:
        print(f"{address:x}: {PHYS_PFN(prog, address).value_():x}")


@crash_command(
    description="where a page begins",
    arguments=(
        drgn_argument,
        argument("pfn", nargs="+", type="decimal_or_hexadecimal",
                 help="number of a page frame, decimal or hexadecimal"),
    ),
)  # fmt: skip
def _crash_cmd_ptob(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.drgn:
        code = CrashCodeBuilder(prog)
        code.add_from_import("drgn.helpers.linux.mm", "PFN_PHYS")
        code.append_for_each("pfn", args.pfn, "address = PFN_PHYS(pfn)\n")
        code.print()
        return
    page_size = prog["PAGE_SIZE"].value_()
    for pfn in args.pfn:
        print(f"{pfn:x}: {pfn * page_size:x}")


@crash_command(
    description="the virtual address of a physical or per-CPU one",
    arguments=(
        drgn_argument,
        argument(
            "address",
            metavar="address|offset:cpuspec",
            nargs="+",
            help="hexadecimal physical address, or hexadecimal per-CPU offset with a"
            " colon and CPUs: numbers and ranges, ``a`` for all, nothing for that of"
            " the context",
        ),
    ),
)
def _crash_cmd_ptov(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    parsed = [_offset(text) for text in args.address]
    if args.drgn:
        _print_ptov_code(prog, parsed)
        return
    for i, (address, cpus) in enumerate(parsed):
        if i:
            print()
        if cpus is None:
            virtual = f"{_virtual(prog, address):x}"
            print_table([("VIRTUAL", "PHYSICAL"), (virtual, f"{address:x}")])
            continue
        offset = Object(prog, "void *", address)
        found = [
            (f"[{cpu}]", f"{per_cpu_ptr(offset, cpu).value_():x}")
            for cpu in cpus.resolve(prog)
        ]
        print(f"PER-CPU OFFSET: {address:x}")
        print("  CPU    VIRTUAL")
        for cpu, virtual in found:
            print(f"  {cpu:<3}  {virtual}")


def _offset(text: str) -> tuple[int, Cpuspec | None]:
    """Parse ``address`` or ``offset:cpuspec``."""
    address, colon, cpus = text.partition(":")
    return address_argument(address), parse_cpuspec(cpus) if colon else None


def _virtual(prog: Program, address: int) -> int:
    """Where the direct map has a physical address.

    Raises ValueError for one that no kernel can have there.
    """
    virtual = phys_to_virt(prog, address).value_()
    if virtual < phys_to_virt(prog, 0).value_():
        raise ValueError(f"no physical address: {address:#x}")
    return int(virtual)


def _print_ptov_code(prog: Program, parsed: list[tuple[int, Cpuspec | None]]) -> None:
    code = CrashCodeBuilder(prog)
    for address, cpus in parsed:
        if cpus is None:
            code.add_from_import("drgn.helpers.linux.mm", "phys_to_virt")
            code.append(f"virtual = phys_to_virt({address:#x})\n")
            continue
        code.add_from_import("drgn", "Object")
        code.add_from_import("drgn.helpers.linux.percpu", "per_cpu_ptr")
        code.append(f'offset = Object(prog, "void *", {address:#x})\n')
        with code.begin_cpus(cpus):
            code.append("virtual = per_cpu_ptr(offset, cpu)\n")
    code.print()


_SPACE = argument_group(
    mutually_exclusive_group(
        argument("-u", dest="user", action="store_true",
                 help="the addresses are user space's"),
        argument("-k", dest="kernel", action="store_true",
                 help="the addresses are the kernel's"),
    ),
    title="address space",
    description="Where an address alone does not tell whose it is (s390x, and"
    " 32-bit machines in some configurations), one of these is needed.",
)  # fmt: skip
_ADDRESSES = argument(
    "address", nargs="+", type="address", help="hexadecimal virtual address"
)
#: Arguments of ``vtop`` for a task that is known.
VTOP_ARGUMENTS = (_SPACE, drgn_argument, _ADDRESSES)


@crash_command(
    description="the physical address of a virtual one",
    arguments=(
        _SPACE,
        argument("-c", dest="task", metavar="TASK", type="pid_or_task",
                 help="whose user space: PID or hexadecimal task_struct (default: that"
                 " of the context)"),
        drgn_argument,
        _ADDRESSES,
    ),
)  # fmt: skip
def _crash_cmd_vtop(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    spaces = address_spaces(prog, args)
    has_user = any(user for _, user in spaces)
    if args.drgn:
        code = CrashCodeBuilder(prog)
        if has_user:
            code.append_task(args.task)
        append_vtop(code, spaces)
        code.print()
        return
    wants_task = has_user or args.task is not None
    task = task_context(prog, args.task) if wants_task else None
    print_vtop(prog, args, task)


def address_spaces(prog: Program, args: argparse.Namespace) -> list[tuple[int, bool]]:
    """The addresses, and whether they are user space's."""
    return [
        (address, args.user or (not args.kernel and is_user_address(prog, address)))
        for address in args.address
    ]


def print_vtop(prog: Program, args: argparse.Namespace, task: Object | None) -> None:
    """Print the physical addresses; those of user space are the task's."""
    for i, (address, user) in enumerate(address_spaces(prog, args)):
        if i:
            print()
        mm = prog["init_mm"].address_of_()
        if user and task is not None:
            mm = task.mm.read_()
        physical = _physical(mm, address)
        print_table([("VIRTUAL", "PHYSICAL"), (f"{address:x}", physical)])


def _physical(mm: Object, address: int) -> str:
    try:
        return f"{follow_phys(mm, address).value_():x}"
    except FaultError:
        return "(not accessible)"


def append_vtop(code: CrashCodeBuilder, spaces: list[tuple[int, bool]]) -> None:
    """Add code that translates addresses, those of user space of the ``task``."""
    code.add_from_import("drgn", "FaultError")
    code.add_from_import("drgn.helpers.linux.mm", "follow_phys")
    for user in (False, True):
        addresses = [address for address, is_user in spaces if is_user is user]
        if not addresses:
            continue
        if user:
            code.append("mm = task.mm  # NULL if it is a kernel thread.\n")
        else:
            code.append('mm = prog["init_mm"].address_of_()\n')
        code.append_for_each(
            "address",
            addresses,
            "try:\n"
            "    physical = follow_phys(mm, address)\n"
            "except FaultError:\n"
            "    physical = None\n",
        )
