"""``mount``: what is mounted."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from drgn import Program
from drgn.commands import argument, drgn_argument
from drgn.helpers.common.format import CellFormat, print_table
from drgn.helpers.linux.fs import for_each_mount, mount_dst, mount_fstype, mount_src

from ._code import CrashCodeBuilder
from ._define import crash_command
from ._namespaces import append_namespace, find_namespace
from ._output import escaped


@crash_command(
    description="mounted filesystems",
    long_description="Show the mounts of the namespace that the context is in.",
    arguments=(
        argument("-n", dest="task", metavar="pid|task", type="pid_or_task",
                 help="show those of the namespace of this task instead"),
        drgn_argument,
    ),
)  # fmt: skip
def _crash_cmd_mount(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.drgn:
        _print_code(prog, args)
        return
    rows: list[Sequence[Any]] = [
        (CellFormat("MOUNT", "^"), CellFormat("SUPERBLK", "^"), "TYPE", "DEVNAME",
         "DIRNAME")
    ]  # fmt: skip
    namespace = find_namespace(prog, args.task, "mnt_ns")
    for mnt in for_each_mount(namespace):
        rows.append(
            (
                CellFormat(mnt.value_(), "x"),
                CellFormat(mnt.mnt.mnt_sb.value_(), "x"),
                escaped(mount_fstype(mnt)),
                escaped(mount_src(mnt)),
                escaped(mount_dst(mnt)),
            )
        )
    print_table(rows)


def _print_code(prog: Program, args: argparse.Namespace) -> None:
    code = CrashCodeBuilder(prog)
    namespace = append_namespace(code, prog, args.task, "mnt_ns")
    code.add_from_import(
        "drgn.helpers.linux.fs",
        "for_each_mount", "mount_dst", "mount_fstype", "mount_src",
    )  # fmt: skip
    with code.begin_block(f"for mnt in for_each_mount({namespace}):\n"):
        code.append(
            "superblock = mnt.mnt.mnt_sb\n"
            "fstype = mount_fstype(mnt)\n"
            "devname = mount_src(mnt)\n"
            "dirname = mount_dst(mnt)\n"
        )
    code.print()
