"""``log``: the kernel's log."""

from __future__ import annotations

import argparse
from typing import Any

from drgn import Program
from drgn.commands import argument, drgn_argument, mutually_exclusive_group
from drgn.helpers.linux.printk import print_dmesg

from ._code import CrashCodeBuilder
from ._define import crash_command


@crash_command(
    description="kernel log",
    long_description="Print the kernel's log with the seconds since boot before each"
    " message.",
    arguments=(
        mutually_exclusive_group(
            argument(
                "-T",
                dest="timestamps",
                action="store_const",
                const="human",
                default=True,
                help="print dates and times",
            ),
            argument(
                "-t",
                dest="timestamps",
                action="store_false",
                help="print the messages alone",
            ),
        ),
        drgn_argument,
    ),
)
def _crash_cmd_log(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if not args.drgn:
        print_dmesg(prog, timestamps=args.timestamps)
        return
    code = CrashCodeBuilder(prog)
    code.add_from_import("drgn.helpers.linux.printk", "get_dmesg")
    timestamps = "" if args.timestamps is True else f"timestamps={args.timestamps!r}"
    code.append(f"log = get_dmesg({timestamps})\n")
    code.print()
