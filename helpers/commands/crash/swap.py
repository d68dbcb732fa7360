"""``swap``: swap space and how much of it is in use."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from drgn import Program
from drgn.commands import drgn_argument
from drgn.helpers.common.format import CellFormat, escape_ascii_string, print_table
from drgn.helpers.linux.swap import (
    for_each_swap_info,
    swap_file_path,
    swap_is_file,
    swap_usage_in_pages,
)

from ._code import CrashCodeBuilder
from ._define import crash_command


@crash_command(description="swap space", arguments=(drgn_argument,))
def _crash_cmd_swap(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.drgn:
        _print_code(prog)
        return
    kbytes = prog["PAGE_SIZE"].value_() // 1024
    rows: list[Sequence[Any]] = [
        ("SWAP_INFO_STRUCT", CellFormat("TYPE", "^"), CellFormat("SIZE", "^"),
         CellFormat("USED", "^"), CellFormat("PCT", ">"), CellFormat("PRI", ">"),
         "FILENAME")
    ]  # fmt: skip
    for info in for_each_swap_info(prog):
        pages = info.pages.value_()
        used = swap_usage_in_pages(info)
        percent = round(100 * used / pages) if pages else 0
        rows.append(
            (
                f"{info.value_():x}",
                CellFormat("FILE" if swap_is_file(info) else "PARTITION", "^"),
                CellFormat(f"{pages * kbytes}k", "^"),
                CellFormat(f"{used * kbytes}k", "^"),
                CellFormat(f"{percent}%", ">"),
                info.prio.value_(),
                escape_ascii_string(swap_file_path(info)),
            )
        )
    print_table(rows)


def _print_code(prog: Program) -> None:
    code = CrashCodeBuilder(prog)
    code.add_from_import(
        "drgn.helpers.linux.swap",
        "for_each_swap_info", "swap_file_path", "swap_is_file", "swap_usage_in_pages",
    )  # fmt: skip
    code.append(
        "for si in for_each_swap_info():\n"
        "    is_file = swap_is_file(si)\n"
        "    pages = si.pages\n"
        "    used_pages = swap_usage_in_pages(si)\n"
        "    priority = si.prio\n"
        "    path = swap_file_path(si)\n"
    )
    code.print()
