"""``timer``: timers of the timer wheel, and high-resolution timers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

from drgn import Object, Program
from drgn.commands import argument, drgn_argument
from drgn.helpers.common.format import CellFormat, RowOptions, print_table
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.timekeeping import (
    ktime_get_coarse_boottime_ns,
    ktime_get_coarse_clocktai_ns,
    ktime_get_coarse_ns,
    ktime_get_coarse_real_ns,
    ktime_to_ns,
)
from drgn.helpers.linux.timer import (
    hrtimer_clock_base_for_each,
    timer_base_for_each,
    timer_base_names,
)

from ._code import CrashCodeBuilder
from ._cpuspec import Cpuspec, parse_cpuspec
from ._define import crash_command

# include/uapi/linux/time.h: the clocks that timers go by.
_CLOCKS: dict[int, Callable[[Program], Object]] = {
    0: ktime_get_coarse_real_ns,
    1: ktime_get_coarse_ns,
    7: ktime_get_coarse_boottime_ns,
    11: ktime_get_coarse_clocktai_ns,
}


@crash_command(
    description="kernel timers",
    long_description="List the timers of each CPU: when they expire, in how long, and"
    " the function that\nis called then.",
    arguments=(
        argument(
            "-r",
            dest="hrtimers",
            action="store_true",
            help="list high-resolution timers (hrtimers) instead",
        ),
        argument(
            "-C",
            dest="cpus",
            metavar="CPU",
            help="only those of these CPUs (``0,3-4``, ``a`` for all)",
        ),
        drgn_argument,
    ),
)
def _crash_cmd_timer(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    cpuspec = None if args.cpus is None else parse_cpuspec(args.cpus)
    if args.drgn:
        _print_code(prog, cpuspec, args.hrtimers)
        return
    if cpuspec is None:
        # Those of a CPU that went offline have moved, unless a panic stopped it.
        cpus = list(for_each_possible_cpu(prog))
    else:
        cpus = cpuspec.resolve(prog)
    if args.hrtimers:
        _print_hrtimers(prog, cpus)
    else:
        _print_timers(prog, cpus)


def _print_timers(prog: Program, cpus: Iterable[int]) -> None:
    jiffies: int = prog["jiffies"].value_()
    print(f"JIFFIES\n{jiffies}\n")
    titles = ["  EXPIRES", CellFormat("TTE", ">"), CellFormat("TIMER_LIST", "^")]
    rows: list[Any] = []
    for cpu in cpus:
        if rows:
            rows.append([])
        for name, base in zip(
            timer_base_names(prog), per_cpu(prog["timer_bases"], cpu), strict=True
        ):
            title = f"TIMER_BASES[{cpu}][{name}]: {base.address_:x}"
            rows += [RowOptions([title], group="title"), [*titles, "FUNCTION"]]
            timers = [
                [
                    f"  {timer.expires.value_()}",
                    timer.expires.value_() - jiffies,
                    CellFormat(timer.value_(), "^x"),
                    _function(timer.function),
                ]
                for timer in timer_base_for_each(base.address_of_())
            ]
            rows += timers or [["  (none)"]]
    print_table(rows)


def _function(pointer: Object) -> str:
    address: int = pointer.value_()
    try:
        return f"{address:x}  <{pointer.prog_.symbol(address).name}>"
    except LookupError:
        return f"{address:x}"


def _print_hrtimers(prog: Program, cpus: Iterable[int]) -> None:
    separator = ""
    for cpu in cpus:
        bases = per_cpu(prog["hrtimer_bases"], cpu)
        print(f"{separator}CPU: {cpu}  HRTIMER_CPU_BASE: {bases.address_:x}")
        separator = ""
        for i, base in enumerate(bases.clock_base):
            print(f"{separator}  CLOCK: {i}  HRTIMER_CLOCK_BASE: {base.address_:x}")
            _print_clock_base(prog, base)
            separator = "\n"


def _print_clock_base(prog: Program, base: Object) -> None:
    clock: int = base.clockid.value_()
    now: int = _CLOCKS.get(clock, ktime_get_coarse_ns)(prog).value_()
    rows = []
    for timer in hrtimer_clock_base_for_each(base.address_of_()):
        soft: int = ktime_to_ns(timer.member_("_softexpires")).value_()
        hard: int = ktime_to_ns(timer.node.expires).value_()
        address = CellFormat(timer.value_(), "^x")
        rows.append(["", soft, hard, hard - now, address, _function(timer.function)])
    if not rows:
        print("  (empty)")
        return
    titles = ("SOFTEXPIRES", "EXPIRES", "TTE", "HRTIMER")
    centered = [CellFormat(title, "^") for title in titles]
    current: list[Any] = [["", CellFormat("CURRENT", "^")], ["", now]]
    print_table([*current, ["", *centered, "FUNCTION"], *rows], sep="  ")


def _print_code(prog: Program, cpuspec: Cpuspec | None, hrtimers: bool) -> None:
    code = CrashCodeBuilder(prog)
    code.add_from_import("drgn.helpers.linux.percpu", "per_cpu")
    if cpuspec is None:
        code.add_from_import("drgn.helpers.linux.cpumask", "for_each_possible_cpu")
        cpus = code.begin_block("for cpu in for_each_possible_cpu():\n")
    else:
        cpus = code.begin_cpus(cpuspec)
    with cpus:
        if hrtimers:
            _hrtimers_code(code)
        else:
            _timers_code(code)
    code.print()


def _timers_code(code: CrashCodeBuilder) -> None:
    code.add_from_import(
        "drgn.helpers.linux.timer", "timer_base_for_each", "timer_base_names"
    )
    with (
        code.begin_block(
            'bases = per_cpu(prog["timer_bases"], cpu)\n'
            "for base_name, base in zip(timer_base_names(), bases):\n"
        ),
        code.begin_block("for timer in timer_base_for_each(base.address_of_()):\n"),
    ):
        code.append(
            "expires = timer.expires\n"
            'time_to_expiry = expires.value_() - prog["jiffies"].value_()\n'
            "function = timer.function\n"
        )


def _hrtimers_code(code: CrashCodeBuilder) -> None:
    code.add_from_import(
        "drgn.helpers.linux.timekeeping", "ktime_get_coarse_ns", "ktime_to_ns"
    )
    code.add_from_import("drgn.helpers.linux.timer", "hrtimer_clock_base_for_each")
    with code.begin_block(
        'for base in per_cpu(prog["hrtimer_bases"], cpu).clock_base:\n'
    ):
        code.append("current = ktime_get_coarse_ns() + ktime_to_ns(base.offset)\n")
        with code.begin_block(
            "for hrtimer in hrtimer_clock_base_for_each(base.address_of_()):\n"
        ):
            code.append(
                "soft_expires = ktime_to_ns(hrtimer._softexpires)\n"
                "expires = ktime_to_ns(hrtimer.node.expires)\n"
                "time_to_expiry = expires - current\n"
                "function = hrtimer.function\n"
            )
