"""``sys`` and ``mach``: the system and the machine that it runs on."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from drgn import FaultError, Object, Program
from drgn.commands import argument, drgn_argument
from drgn.helpers import ValidationError
from drgn.helpers.common.format import double_quote_ascii_string, number_in_binary_units
from drgn.helpers.linux.cpumask import (
    for_each_online_cpu,
    for_each_present_cpu,
)
from drgn.helpers.linux.mm import totalram_pages
from drgn.helpers.linux.panic import panic_message
from drgn.helpers.linux.sched import loadavg
from drgn.helpers.linux.timekeeping import ktime_get_real_seconds
from drgn.helpers.linux.timekeeping import uptime as uptime_seconds

from ._code import CrashCodeBuilder
from ._define import crash_command
from ._output import print_lines
from ._tasks import all_tasks
from ._time import date, uptime

#: Where the titles of ``sys`` end.
TITLE_WIDTH = 12


@crash_command(
    description="system information",
    long_description="Show where the kernel and its memory come from, and how the"
    " system was.",
    arguments=(
        argument(
            "config",
            nargs="?",
            choices=("config",),
            help="print the kernel's configuration (of ``CONFIG_IKCONFIG``)",
        ),
        drgn_argument,
    ),
)
def _crash_cmd_sys(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.config is not None:
        _config(prog, args)
    elif args.drgn:
        _sys_code(prog)
    else:
        print_lines(_system(prog), TITLE_WIDTH)


def _config(prog: Program, args: argparse.Namespace) -> None:
    if args.drgn:
        code = CrashCodeBuilder(prog)
        code.add_from_import("drgn.helpers.linux.kconfig", "get_kconfig")
        code.append("kconfig = get_kconfig()\n")
        code.print()
        return
    from drgn.helpers.linux.kconfig import kconfig_text

    print(kconfig_text(prog), end="")


def cpus_text(prog: Program) -> str:
    """How many CPUs there are, and which of them are offline."""
    present = set(for_each_present_cpu(prog))
    offline = present.difference(for_each_online_cpu(prog))
    text = str(len(present))
    if offline:
        text += f" [OFFLINE: {len(offline)}]"
    return text


def _text(object: Object) -> str:
    return object.string_().decode(errors="backslashreplace")


def _system(prog: Program) -> list[tuple[str, str]]:
    names = prog["init_uts_ns"].name
    lines: list[tuple[str, Callable[[], str | None]]] = [
        ("KERNEL", lambda: _kernel(prog)),
        ("DUMPFILE", lambda: _memory_source(prog)),
        ("CPUS", lambda: cpus_text(prog)),
        ("DATE", lambda: date(ktime_get_real_seconds(prog).value_())),
        ("UPTIME", lambda: uptime(int(uptime_seconds(prog)))),
        ("LOAD AVERAGE", lambda: ", ".join(f"{load:.2f}" for load in loadavg(prog))),
        ("TASKS", lambda: str(sum(1 for _ in all_tasks(prog)))),
        ("NODENAME", lambda: _text(names.nodename)),
        ("RELEASE", lambda: _text(names.release)),
        ("VERSION", lambda: _text(names.version)),
        ("MACHINE", lambda: _text(names.machine)),
        ("MEMORY", lambda: _memory(prog)),
        ("PANIC", lambda: _panic(prog)),
    ]
    result = []
    for title, function in lines:
        try:
            text = function()
        except (FaultError, ValidationError) as error:
            text = f"({error})"  # The rest may be there.
        if text is not None:
            result.append((title, text))
    return result


def _kernel(prog: Program) -> str:
    kernel = prog.main_module().debug_file_path or "(not loaded)"
    return f"{kernel}  [TAINTED]" if prog["tainted_mask"] else kernel


def _memory(prog: Program) -> str:
    memory = totalram_pages(prog) * prog["PAGE_SIZE"].value_()
    return number_in_binary_units(memory)


def _panic(prog: Program) -> str | None:
    message = panic_message(prog)
    return None if message is None else double_quote_ascii_string(message)


def _memory_source(prog: Program) -> str:
    path = prog.core_dump_path
    return "(no dump)" if path is None else path


def _sys_code(prog: Program) -> None:
    code = CrashCodeBuilder(prog)
    code.add_from_import(
        "drgn.helpers.linux.cpumask", "num_online_cpus", "num_present_cpus"
    )
    code.add_from_import("drgn.helpers.linux.mm", "totalram_pages")
    code.add_from_import("drgn.helpers.linux.panic", "panic_message", "tainted")
    code.add_from_import("drgn.helpers.linux.pid", "for_each_task")
    code.add_from_import("drgn.helpers.linux.sched", "loadavg")
    code.add_from_import(
        "drgn.helpers.linux.timekeeping", "ktime_get_real_seconds", "uptime"
    )
    code.append(
        "kernel = prog.main_module().debug_file_path\n"
        "taints = tainted()\n"
        "dumpfile = prog.core_dump_path\n"
        "cpus = num_present_cpus()\n"
        "offline = cpus - num_online_cpus()\n"
        "date = ktime_get_real_seconds()\n"
        "seconds_up = uptime()\n"
        "load_average = loadavg()\n"
        "tasks = sum(1 for task in for_each_task(idle=True))\n"
        'names = prog["init_uts_ns"].name\n'
        "nodename = names.nodename\n"
        "release = names.release\n"
        "version = names.version\n"
        "machine = names.machine\n"
        'memory = totalram_pages() * prog["PAGE_SIZE"].value_()\n'
        "panic = panic_message()\n"
    )
    code.print()
