"""``fuser``: the tasks that use a file."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from drgn import Object, Program
from drgn.commands import argument, drgn_argument
from drgn.helpers.common.format import (
    CellFormat,
    double_quote_ascii_string,
    print_table,
)
from drgn.helpers.linux.fs import d_path, for_each_file
from drgn.helpers.linux.mm import for_each_vma

from ._address import parse_hex
from ._code import CrashCodeBuilder
from ._define import crash_command
from ._output import progress
from ._tasks import all_tasks


class _Reference:
    """A file by its path, or an inode by its address; remembers what it looked at."""

    def __init__(self, text: str) -> None:
        self.inode = parse_hex(text)
        self._path = text.encode()
        self._known: dict[tuple[int, int], bool] = {}

    def is_path(self, path: Object) -> bool:
        """Whether a ``struct path`` is it."""
        key = path.mnt.value_(), path.dentry.value_()
        if not all(key):
            return False
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._compare(path)
        return found

    def _compare(self, path: Object) -> bool:
        if self.inode is not None:
            return bool(path.dentry.d_inode.value_() == self.inode)
        return d_path(path) == self._path


@crash_command(
    description="tasks that use a file",
    long_description="List the tasks that have a file open or mapped, or have it as"
    " their root or working\ndirectory.",
    arguments=(
        argument(
            "file",
            metavar="pathname|inode",
            help="the full path of the file, or the hexadecimal address of its inode",
        ),
        drgn_argument,
    ),
)
def _crash_cmd_fuser(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.drgn:
        _print_code(prog, args.file)
        return
    reference = _Reference(args.file)
    mapped: dict[int, bool] = {}
    rows: list[list[Any]] = []
    for task in progress(list(all_tasks(prog)), "Looking at tasks"):
        usage = " ".join(_usage(task, reference, mapped))
        if usage:
            comm = double_quote_ascii_string(task.comm.string_())
            pid = CellFormat(task.pid.value_(), ">")
            rows.append([pid, CellFormat(task.value_(), "^x"), comm, usage])
    if not rows:
        print(f"No users of {args.file} found")
        return
    titles: list[Any] = [
        CellFormat("PID", ">"),
        CellFormat("TASK", "^"),
        "COMM",
        "USAGE",
    ]
    print_table([titles, *rows])


def _usage(
    task: Object, reference: _Reference, mapped: dict[int, bool]
) -> Iterator[str]:
    """How a task uses a file: root, cwd, fd, mmap.

    ``mapped`` remembers address spaces, which threads share.
    """
    fs = task.fs.read_()
    if fs:
        if reference.is_path(fs.root):
            yield "root"
        if reference.is_path(fs.pwd):
            yield "cwd"
    if any(reference.is_path(file.f_path) for _, file in for_each_file(task)):
        yield "fd"
    mm = task.mm.read_()
    if mm:
        uses = mapped.get(mm.value_())
        if uses is None:
            uses = mapped[mm.value_()] = _maps(mm, reference)
        if uses:
            yield "mmap"


def _maps(mm: Object, reference: _Reference) -> bool:
    files = (vma.vm_file.read_() for vma in for_each_vma(mm))
    return any(reference.is_path(file.f_path) for file in files if file)


def _print_code(prog: Program, text: str) -> None:
    code = CrashCodeBuilder(prog)
    code.add_from_import("drgn.helpers.linux.fs", "for_each_file")
    code.add_from_import("drgn.helpers.linux.mm", "for_each_vma")
    code.add_from_import("drgn.helpers.linux.pid", "for_each_task")
    inode = parse_hex(text)
    if inode is None:
        code.add_from_import("drgn.helpers.linux.fs", "d_path")
        test = f"path.dentry and d_path(path) == {text.encode()!r}"
    else:
        test = f"path.dentry and path.dentry.d_inode.value_() == {inode:#x}"
    with code.begin_block("def is_used(path):\n"):
        code.append(f"return {test}\n")
    code.append("\n\nusers = []\n")
    with code.begin_block("for task in for_each_task(idle=True):\n"):
        code.append(
            "paths = []\n"
            "if task.files:\n"
            "    paths += [file.f_path for fd, file in for_each_file(task) if file]\n"
        )
        with code.begin_block("if task.fs:\n"):
            code.append("paths += [task.fs.root, task.fs.pwd]\n")
        with code.begin_block("if task.mm:\n"):
            code.append(
                "files = [vma.vm_file for vma in for_each_vma(task.mm)]\n"
                "paths += [file.f_path for file in files if file]\n"
            )
        with code.begin_block("if any(is_used(path) for path in paths):\n"):
            code.append("users.append(task)\n")
    code.print()
