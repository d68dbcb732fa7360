"""``irq``: interrupts, their handlers and how often they came."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from drgn import NULL, Object, Program
from drgn.commands import (
    DrgnCodeBlockContext,
    argument,
    drgn_argument,
    mutually_exclusive_group,
)
from drgn.helpers.common.format import (
    CellFormat,
    double_quote_ascii_string,
)
from drgn.helpers.linux.cpumask import cpumask_to_cpulist
from drgn.helpers.linux.irq import (
    for_each_irq_desc,
    gate_desc_func,
    irq_desc_action_names,
    irq_desc_affinity_mask,
    irq_desc_chip_name,
    irq_desc_kstat_cpu,
    irq_get_nr_irqs,
)

from ._code import CrashCodeBuilder
from ._cpuspec import parse_cpuspec
from ._define import crash_command
from ._output import escaped, print_rows
from ._symbols import symbol_name, symbol_or_address

Row = Sequence[Any]

# Of x86. GCC before 8 gives the table's type as headers do, without length.
_VECTORS = 256


@crash_command(
    description="interrupts",
    long_description="Without an option, show the descriptors and handlers of"
    " interrupts.",
    arguments=(
        mutually_exclusive_group(
            argument("-u", dest="in_use", action="store_true",
                     help="leave out interrupts that have no descriptor"),
            argument("-d", dest="idt", action="store_true",
                     help="show the interrupt descriptor table (x86)"),
            argument("-b", dest="softirqs", action="store_true",
                     help="show the handlers of softirqs"),
            argument("-a", dest="affinity", action="store_true",
                     help="show what CPUs interrupts may go to"),
            argument("-s", dest="statistics", action="store_true",
                     help="show how often interrupts came, and from what"),
            argument("numbers", metavar="number", type=int, nargs="*", default=[],
                     help="show these interrupts only"),
        ),
        argument("-c", dest="cpus", metavar="CPU",
                 help="with -s, only on these CPUs: 1,3-5, or a for all"),
        drgn_argument,
    ),
)  # fmt: skip
def _crash_cmd_irq(
    prog: Program,
    name: str,
    args: argparse.Namespace,
    *,
    parser: argparse.ArgumentParser,
    **kwargs: Any,
) -> None:
    if args.cpus is not None and not args.statistics:
        parser.error("-c can only be used with -s")
    if args.drgn:
        _print_code(prog, args)
    elif args.idt:
        _print_idt(prog)
    elif args.softirqs:
        print_rows(_softirq_rows(prog))
    elif args.affinity:
        print_rows(_affinity_rows(prog))
    elif args.statistics:
        cpuspec = parse_cpuspec("a" if args.cpus is None else args.cpus)
        print_rows(_statistics_rows(prog, cpuspec.resolve(prog)))
    elif args.in_use:
        print_rows(_rows(for_each_irq_desc(prog)))
    else:
        print_rows(_rows(_descriptors(prog, args.numbers)))


def _descriptors(prog: Program, numbers: Sequence[int]) -> list[tuple[int, Object]]:
    """The descriptors of interrupts, all without numbers; NULL where there is none."""
    descs = dict(for_each_irq_desc(prog))
    count = irq_get_nr_irqs(prog)
    null = NULL(prog, "struct irq_desc *")
    for number in numbers:
        if not 0 <= number < count:
            print(f"irq: invalid IRQ number: {number}")
    wanted: Iterable[int] = range(count)
    if numbers:
        wanted = [number for number in numbers if 0 <= number < count]
    return [(number, descs.get(number, null)) for number in wanted]


def _rows(descs: Iterable[tuple[int, Object]]) -> Iterator[Row]:
    unused = CellFormat("(unused)", "^")
    titles: Row = (CellFormat("IRQ", "^"), CellFormat("IRQ_DESC", "^"),
                   CellFormat("IRQACTION", "^"), "NAME")  # fmt: skip
    for irq, desc in descs:
        if titles:
            yield titles
            titles = ()
        first: Row = (
            CellFormat(irq, "^"),
            CellFormat(desc.value_(), "x") if desc else unused,
        )
        action = desc.action.read_() if desc else None
        if not action:
            yield *first, unused
        while action:
            name = action.name.read_()
            text = double_quote_ascii_string(name.string_()) if name else ""
            yield *first, CellFormat(action.value_(), "x"), text
            first = "", ""
            action = action.next.read_()


def _handled(prog: Program) -> Iterator[tuple[int, Object, str]]:
    """The interrupts that have handlers, and the names of those."""
    for irq, desc in for_each_irq_desc(prog):
        if desc.action:
            names = [escaped(name) for name in irq_desc_action_names(desc)]
            yield irq, desc, ",".join(names)


def _affinity_rows(prog: Program) -> Iterator[Row]:
    yield CellFormat("IRQ", ">"), "NAME", "AFFINITY"
    for irq, desc, names in _handled(prog):
        yield irq, names, cpumask_to_cpulist(irq_desc_affinity_mask(desc))


def _statistics_rows(prog: Program, cpus: Sequence[int]) -> Iterator[Row]:
    yield "", *(CellFormat(f"CPU{cpu}", ">") for cpu in cpus)
    for irq, desc, names in _handled(prog):
        counts = [irq_desc_kstat_cpu(desc, cpu) for cpu in cpus]
        chip = escaped(irq_desc_chip_name(desc) or b"")
        yield CellFormat(f"{irq}:", ">"), *counts, chip, names


def _softirq_rows(prog: Program) -> Iterator[Row]:
    yield CellFormat("SOFTIRQ_VEC", "^"), CellFormat("ACTION", "^")
    for i, vector in enumerate(prog["softirq_vec"]):
        action = vector.action.value_()
        symbol = symbol_name(prog, action) if action else None
        yield (
            CellFormat(f"[{i}]", "^"),
            CellFormat(action, "^x"),
            f"<{symbol}>" if symbol else "",
        )


def _print_idt(prog: Program) -> None:
    if "idt_table" not in prog:
        raise LookupError("this kernel has no interrupt descriptor table")
    table = prog["idt_table"]
    for i in range(_VECTORS if table.type_.length is None else len(table)):
        function = gate_desc_func(table[i]).value_()
        print(f"{f'[{i}]':>5} {symbol_or_address(prog, function)}")


def _print_code(prog: Program, args: argparse.Namespace) -> None:
    code = CrashCodeBuilder(prog)
    if args.idt:
        _append_idt(code, prog["idt_table"].type_.length is not None)
    elif args.softirqs:
        _append_softirqs(code)
    elif args.affinity:
        _append_affinity(code)
    elif args.statistics:
        _append_statistics(code, prog, args.cpus)
    elif args.numbers:
        _append_numbers(code, args.numbers)
    else:
        code.add_from_import("drgn.helpers.linux.irq", "for_each_irq_desc")
        with code.begin_block("for irq, irq_desc in for_each_irq_desc():\n"):
            code.append(_ACTIONS)
    code.print()


def _append_idt(code: CrashCodeBuilder, has_length: bool) -> None:
    code.add_from_import("drgn.helpers.linux.irq", "gate_desc_func")
    begin = f"for vec in range({_VECTORS}):\n"
    if has_length:
        begin = 'for vec, gate in enumerate(prog["idt_table"]):\n'
    with code.begin_block(begin):
        if not has_length:
            code.append('gate = prog["idt_table"][vec]\n')
        code.append("func = gate_desc_func(gate)\n")
        _append_symbol(code, "func")


def _append_softirqs(code: CrashCodeBuilder) -> None:
    with code.begin_block('for vec, softirq in enumerate(prog["softirq_vec"]):\n'):
        code.append("action = softirq.action\n")
        _append_symbol(code, "action")


def _append_affinity(code: CrashCodeBuilder) -> None:
    code.add_from_import("drgn.helpers.linux.cpumask", "cpumask_to_cpulist")
    code.add_from_import("drgn.helpers.linux.irq", "irq_desc_affinity_mask")
    with _handled_block(code):
        code.append(
            "affinity = irq_desc_affinity_mask(irq_desc)\n"
            "affinity_list = cpumask_to_cpulist(affinity)\n"
        )


def _append_statistics(code: CrashCodeBuilder, prog: Program, cpus: str | None) -> None:
    cpuspec = parse_cpuspec("a" if cpus is None else cpus)
    if cpuspec.kind == "all":
        code.add_from_import("drgn.helpers.linux.cpumask", "for_each_possible_cpu")
        code.append("cpus = list(for_each_possible_cpu())\n")
    else:
        code.append(f"cpus = {cpuspec.resolve(prog)}\n")
    code.add_from_import(
        "drgn.helpers.linux.irq", "irq_desc_chip_name", "irq_desc_kstat_cpu"
    )
    with _handled_block(code):
        code.append(
            "counts = [irq_desc_kstat_cpu(irq_desc, cpu) for cpu in cpus]\n"
            "chip_name = irq_desc_chip_name(irq_desc)\n"
        )


def _append_numbers(code: CrashCodeBuilder, numbers: list[int]) -> None:
    code.add_from_import("drgn.helpers.linux.irq", "irq_to_desc")
    with code.begin_block(f"for irq in {numbers}:\n"):
        code.append("irq_desc = irq_to_desc(irq)\n")
        code.append("if not irq_desc:\n    continue\n")
        code.append(_ACTIONS)


_ACTIONS = """\
action = irq_desc.action.read_()
while action:
    name = action.name
    action = action.next.read_()
"""


def _append_symbol(code: CrashCodeBuilder, address: str) -> None:
    code.append(
        f"try:\n    sym = prog.symbol({address})\nexcept LookupError:\n    sym = None\n"
    )


def _handled_block(code: CrashCodeBuilder) -> DrgnCodeBlockContext:
    code.add_from_import(
        "drgn.helpers.linux.irq", "for_each_irq_desc", "irq_desc_action_names"
    )
    block = code.begin_block("for irq, irq_desc in for_each_irq_desc():\n")
    code.append("if not irq_desc.action:\n    continue\n")
    code.append("names = irq_desc_action_names(irq_desc)\n")
    return block
