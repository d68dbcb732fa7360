"""``mach``: the machine that a kernel runs on."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from drgn import Object, Program
from drgn.commands import (
    CommandError,
    argument,
    drgn_argument,
    mutually_exclusive_group,
)
from drgn.helpers.common.format import CellFormat, number_in_binary_units, print_table
from drgn.helpers.linux._cpu_stacks import exception_stacks, interrupt_stack
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.mmzone import for_each_online_pgdat
from drgn.helpers.linux.percpu import per_cpu

from ._code import CrashCodeBuilder
from ._define import crash_command, radix_arguments
from ._output import format_options, print_lines
from .sys import cpus_text


@crash_command(
    description="the machine",
    long_description="Show the machine's memory and CPUs, where the parts of the"
    " kernel's address space begin,\nand the stacks of each CPU.",
    arguments=(
        mutually_exclusive_group(
            argument(
                "-m",
                dest="memory_map",
                action="store_true",
                help="show the map of physical memory that the firmware gave (x86)",
            ),
            argument(
                "-c",
                dest="cpuinfo",
                action="store_true",
                help="show the ``cpuinfo_x86`` of each CPU (x86)",
            ),
        ),
        *radix_arguments,
        drgn_argument,
    ),
)
def _crash_cmd_mach(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.drgn:
        _print_code(prog, args)
    elif args.memory_map:
        _print_memory_map(prog)
    elif args.cpuinfo:
        _print_cpuinfo(prog, args)
    else:
        print_lines(list(_machine(prog)), 22)


def _find(prog: Program, *names: str) -> Object | None:
    """The first of these variables that there is."""
    for name in names:
        try:
            return prog[name]
        except KeyError:
            continue
    return None


def _machine(prog: Program) -> Iterator[tuple[str, str]]:
    page_size: int = prog["PAGE_SIZE"].value_()
    pages = sum(
        pgdat.node_present_pages.value_() for pgdat in for_each_online_pgdat(prog)
    )
    machine = prog["init_uts_ns"].name.machine.string_()
    yield "MACHINE TYPE", machine.decode(errors="backslashreplace")
    yield "MEMORY SIZE", number_in_binary_units(pages * page_size)
    yield "CPUS", cpus_text(prog)
    khz = _find(prog, "cpu_khz")
    if khz is not None:
        yield "PROCESSOR SPEED", f"{khz.value_() // 1000} MHz"
    jiffies = _find(prog, "clocksource_jiffies")
    if jiffies is not None:
        # One cycle of it is a tick. (tick_nsec follows NTP, and is gone in 7.x.)
        nanoseconds = jiffies.mult.value_() >> jiffies.shift.value_()
        yield "HZ", str(round(1e9 / nanoseconds))
    yield "PAGE SIZE", str(page_size)
    for title, names in (
        ("KERNEL VIRTUAL BASE", ("page_offset_base", "PAGE_OFFSET")),
        ("KERNEL VMALLOC BASE", ("vmalloc_base",)),
        ("KERNEL VMEMMAP BASE", ("vmemmap_base", "vmemmap")),
    ):
        base = _find(prog, *names)
        if base is not None:
            yield title, f"{base.value_():x}"
    yield "KERNEL STACK SIZE", str(prog["THREAD_SIZE"].value_())
    for name, stacks in _cpu_stacks(prog).items():
        for cpu, start, size in stacks:
            end = start + size
            yield f"{name} STACK OF CPU {cpu}", f"{start:x}-{end:x} ({size} bytes)"


def _cpu_stacks(prog: Program) -> dict[str, list[tuple[int, int, int]]]:
    """The stacks for interrupts and exceptions of x86: CPU, address, size, by name."""
    stacks: dict[str, list[tuple[int, int, int]]] = {}
    for cpu in for_each_possible_cpu(prog):
        interrupts = interrupt_stack(prog, cpu)
        if interrupts is not None:
            stacks.setdefault("IRQ", []).append((cpu, *interrupts))
        for name, start, size in exception_stacks(prog, cpu):
            stacks.setdefault(name, []).append((cpu, start, size))
    return stacks


def _memory_map(prog: Program) -> tuple[Object, int]:
    """The firmware's map of memory, and how many entries it has."""
    try:
        # Since 4.12 (544a0f47e780); a pointer since 4.12 too (09c51513b9a7).
        table = prog["e820_table"]
        return table.entries, table.nr_entries.value_()
    except KeyError:
        pass
    try:
        table = prog["e820"]
        return table.map, table.nr_map.value_()
    except KeyError:
        raise CommandError("mach: -m is for x86 only") from None


def _print_memory_map(prog: Program) -> None:
    entries, count = _memory_map(prog)
    rows: list[list[Any]] = [[CellFormat("PHYSICAL ADDRESS RANGE", "^"), "TYPE"]]
    for i in range(min(count, len(entries))):
        entry = entries[i]
        start: int = entry.addr.value_()
        end = start + entry.size.value_()
        kind = entry.type.format_(type_name=False)
        rows.append([f"{start:016x} - {end:016x}", kind.replace("_TYPE", "", 1)])
    print_table(rows)


def _print_cpuinfo(prog: Program, args: argparse.Namespace) -> None:
    try:
        cpu_info = prog["cpu_info"]
    except KeyError:
        raise CommandError("mach: -c is for x86 only") from None
    separator = ""
    for cpu in for_each_possible_cpu(prog):
        print(f"{separator}CPU {cpu}:")
        options = format_options(prog, args.integer_base)
        print(per_cpu(cpu_info, cpu).format_(**options))
        separator = "\n"


def _print_code(prog: Program, args: argparse.Namespace) -> None:
    code = CrashCodeBuilder(prog)
    if args.memory_map:
        entries, _ = _memory_map(prog)
        name = "e820_table" if "e820_entry" in entries.type_.type_name() else "e820"
        names = ("entries", "nr_entries") if name == "e820_table" else ("map", "nr_map")
        with code.begin_block(
            f'table = prog["{name}"]\n'
            f"for entry in table.{names[0]}[: table.{names[1]}]:\n"
        ):
            code.append(
                "start = entry.addr\nend = entry.addr + entry.size\ntype = entry.type\n"
            )
    elif args.cpuinfo:
        code.add_from_import("drgn.helpers.linux.cpumask", "for_each_possible_cpu")
        code.add_from_import("drgn.helpers.linux.percpu", "per_cpu")
        with code.begin_block("for cpu in for_each_possible_cpu():\n"):
            code.append('cpuinfo = per_cpu(prog["cpu_info"], cpu)\n')
    else:
        _machine_code(code)
    code.print()


def _machine_code(code: CrashCodeBuilder) -> None:
    code.add_from_import(
        "drgn.helpers.linux.cpumask", "num_online_cpus", "num_present_cpus"
    )
    code.add_from_import("drgn.helpers.linux.mmzone", "for_each_online_pgdat")
    code.append(
        'machine = prog["init_uts_ns"].name.machine\n'
        'page_size = prog["PAGE_SIZE"]\n'
        "memory_size = page_size * sum(\n"
        "    pgdat.node_present_pages.value_() for pgdat in for_each_online_pgdat()\n"
        ")\n"
        "cpus = num_present_cpus()\n"
        "offline = cpus - num_online_cpus()\n"
        'stack_size = prog["THREAD_SIZE"]\n'
    )
