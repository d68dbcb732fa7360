"""``mount``: what is mounted."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import chain
from typing import Any

from drgn import Object, Program
from drgn.commands import argument, drgn_argument
from drgn.helpers.common.format import CellFormat
from drgn.helpers.linux.fs import for_each_mount, mount_dst, mount_fstype, mount_src

from ._code import CrashCodeBuilder
from ._define import crash_command
from ._namespaces import append_namespace, find_namespace
from ._output import escaped, print_rows, rows_of


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
    titles = (CellFormat("MOUNT", "^"), CellFormat("SUPERBLK", "^"), "TYPE", "DEVNAME",
              "DIRNAME")  # fmt: skip
    namespace = find_namespace(prog, args.task, "mnt_ns")
    print_rows(chain([titles], rows_of(for_each_mount(namespace), _row)))


def _row(mnt: Object) -> Sequence[Any]:
    return (
        CellFormat(mnt.value_(), "x"),
        CellFormat(mnt.mnt.mnt_sb.value_(), "x"),
        escaped(mount_fstype(mnt)),
        escaped(mount_src(mnt)),
        escaped(mount_dst(mnt)),
    )


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
