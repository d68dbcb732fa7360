"""``files``: what tasks have open, dentries, and cached pages of inodes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any, NamedTuple

from drgn import Object, Program
from drgn.commands import (
    CommandArgumentError,
    argument,
    drgn_argument,
    mutually_exclusive_group,
)
from drgn.helpers.common.format import CellFormat, escape_ascii_string, print_table
from drgn.helpers.linux.fs import (
    address_space_for_each_page,
    d_path,
    decode_file_type,
    for_each_file,
)
from drgn.helpers.linux.mm import page_to_pfn

from ._address import parse_hex
from ._code import CrashCodeBuilder
from ._define import crash_command
from ._kmem_pages import Pages, print_pages
from ._task_command import TASK_COMMANDS, TaskCommand
from ._tasks import task_line, task_line_code, tasks_argument


class _File(NamedTuple):
    """An open file of a task."""

    fd: int
    file: Object
    dentry: Object
    inode: Object
    path: str

    @property
    def type(self) -> str:
        return decode_file_type(self.inode.i_mode.value_()) if self.inode else ""

    @property
    def mapping(self) -> int:
        return self.inode.i_mapping.value_() if self.inode else 0

    @property
    def cached_pages(self) -> int:
        return self.inode.i_mapping.nrpages.value_() if self.mapping else 0


def _files(task: Object) -> Iterator[_File]:
    for fd, file in for_each_file(task):
        dentry = file.f_path.dentry.read_()
        yield _File(fd, file, dentry, file.f_inode.read_(), _text(d_path(file.f_path)))


def _text(path: bytes) -> str:
    return escape_ascii_string(path, escape_backslash=True)


def _show(prog: Program, args: argparse.Namespace, task: Object) -> None:
    _print_task(task, _wanted(args, task), args)


def _directories(task: Object) -> tuple[str, ...]:
    """The root and the working directory of a task."""
    fs = task.fs.read_()
    # An exited task has given them up.
    return (_text(d_path(fs.root)), _text(d_path(fs.pwd))) if fs else ()


def _wanted(args: argparse.Namespace, task: Object) -> list[_File]:
    """The open files of a task that the reference refers to, without one all."""
    files = list(_files(task))
    if args.reference is None:
        return files
    return [file for file in files if _refers(file, args.reference, args.cached)]


def _wants(args: argparse.Namespace, task: Object) -> bool:
    return (
        args.reference is None
        or any(args.reference in directory for directory in _directories(task))
        or bool(_wanted(args, task))
    )


def _refers(file: _File, reference: str, cached: bool) -> bool:
    """Whether a reference names a file, or what is shown of it, or is in its path."""
    if reference.isdecimal() and int(reference) == file.fd:
        return True
    address = parse_hex(reference)
    shown = {file.inode.value_(), *_shown_with_inode(file, cached)}
    if address and address in shown:
        return True
    return reference in file.path


def _shown_with_inode(file: _File, cached: bool) -> tuple[int, ...]:
    if cached:
        return (file.mapping,)
    return file.file.value_(), file.dentry.value_()


def _print_task(task: Object, files: list[_File], args: argparse.Namespace) -> None:
    cached: bool = args.cached
    print(task_line(task))
    directories = _directories(task)
    if directories:
        print("ROOT: {}  CWD: {}".format(*directories))
    if not files:
        if args.reference is None:
            print("No open files")
        return
    titles = ("INODE", "I_MAPPING") if cached else ("FILE", "DENTRY", "INODE")
    rows: list[list[Any]] = [
        [CellFormat("FD", ">"), *(CellFormat(title, "^") for title in titles)]
    ]
    if cached:
        rows[0].append(CellFormat("NRPAGES", ">"))
    rows[0] += ["TYPE", "PATH"]
    for file in files:
        if cached:
            addresses = [file.inode.value_(), file.mapping]
        else:
            objects = (file.file, file.dentry, file.inode)
            addresses = [each.value_() for each in objects]
        row = [file.fd, *(CellFormat(address, "^x") for address in addresses)]
        if cached:
            row.append(file.cached_pages)
        rows.append([*row, file.type, file.path])
    print_table(rows)


def _code(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    task_line_code(code)
    code.add_from_import(
        "drgn.helpers.linux.fs", "d_path", "decode_file_type", "for_each_file"
    )
    with code.begin_block("if task.fs:\n"):
        code.append("root = d_path(task.fs.root)\ncwd = d_path(task.fs.pwd)\n")
    # Upstream's for_each_file() fails without files, and yields NULL for a descriptor
    # that is only reserved.
    with (
        code.begin_block("if task.files:\n"),
        code.begin_block("for fd, file in for_each_file(task):\n"),
    ):
        _file_code(code, args)


def _file_code(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    code.append(
        "if not file:\n"
        "    continue\n"
        "dentry = file.f_path.dentry\n"
        "inode = file.f_inode\n"
        "mapping = inode.i_mapping\n"
        "path = d_path(file.f_path)\n"
    )
    if args.reference is not None:
        condition = _condition(args.reference, args.cached)
        with code.begin_block(f"if not ({condition}):\n"):
            code.append("continue\n")
    code.append("type = decode_file_type(inode.i_mode)\n")
    if args.cached:
        code.append("cached_pages = mapping.nrpages\n")


def _condition(reference: str, cached: bool) -> str:
    tests = [f"{reference.encode()!r} in path"]
    if reference.isdecimal():
        tests.append(f"fd == {int(reference)}")
    address = parse_hex(reference)
    if address:
        names = ("inode", "mapping") if cached else ("file", "dentry", "inode")
        values = ", ".join(f"{name}.value_()" for name in names)
        tests.append(f"{address:#x} in ({values})")
    return " or ".join(tests)


_CACHED = argument(
    "-c",
    dest="cached",
    action="store_true",
    help="show each file's address space and how many pages of it are cached",
)
_REFERENCE = argument(
    "-R",
    dest="reference",
    metavar="REFERENCE",
    help="only files that this refers to: a file descriptor, a part of the path, or the"
    " address of the file, dentry, inode or address space; and tasks in whose root or"
    " working directory it is a part of the path",
)
_FILES = TASK_COMMANDS["files"] = TaskCommand(
    (_CACHED, _REFERENCE, drgn_argument), _code, _show, wants=_wants
)


@crash_command(
    description="open files",
    long_description="Show the root and working directory of tasks, and the files that"
    " they have open.",
    arguments=(
        mutually_exclusive_group(
            argument("-d", dest="dentry", metavar="DENTRY", type="hexadecimal",
                     help="show the inode, superblock, type and path of the dentry at"
                     " this hexadecimal address"),
            argument("-p", dest="inode", metavar="INODE", type="hexadecimal",
                     help="show the cached pages of the inode at this hexadecimal"
                     " address"),
            tasks_argument,
        ),
        *_FILES.arguments,
    ),
)  # fmt: skip
def _crash_cmd_files(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    one = args.dentry is not None or args.inode is not None
    if one and (args.cached or args.reference is not None):
        raise CommandArgumentError("files: error: -c/-R not allowed with -d/-p")
    if args.dentry is not None:
        _print_dentry(prog, args)
    elif args.inode is not None:
        _print_pages(prog, args)
    else:
        _FILES.run_chosen(prog, args, args.tasks)


def _print_dentry(prog: Program, args: argparse.Namespace) -> None:
    if args.drgn:
        code = CrashCodeBuilder(prog)
        code.add_from_import("drgn", "Object")
        code.add_from_import("drgn.helpers.linux.fs", "d_path", "decode_file_type")
        code.append(
            f'dentry = Object(prog, "struct dentry *", {args.dentry:#x})\n'
            "inode = dentry.d_inode\n"
            "super_block = dentry.d_sb\n"
            "type = decode_file_type(inode.i_mode)\n"
            "path = d_path(dentry)\n"
        )
        code.print()
        return
    dentry = Object(prog, "struct dentry *", args.dentry)
    inode = dentry.d_inode.read_()
    sb = dentry.d_sb.read_()
    # A negative dentry has no inode.
    type = decode_file_type(inode.i_mode.value_()) if inode else ""
    titles = ("DENTRY", "INODE", "SUPERBLK")
    addresses = (each.value_() for each in (dentry, inode, sb))
    print_table(
        [
            [*(CellFormat(title, "^") for title in titles), "TYPE", "PATH"],
            [
                *(CellFormat(address, "^x") for address in addresses),
                type,
                _text(d_path(dentry)),
            ],
        ]
    )


def _print_pages(prog: Program, args: argparse.Namespace) -> None:
    if args.drgn:
        code = CrashCodeBuilder(prog)
        code.add_from_import("drgn", "Object")
        code.add_from_import("drgn.helpers.linux.fs", "inode_for_each_page")
        code.add_from_import(
            "drgn.helpers.linux.mm", "decode_page_flags", "page_to_phys"
        )
        code.append(
            f'inode = Object(prog, "struct inode *", {args.inode:#x})\n'
            "cached_pages = inode.i_mapping.nrpages\n"
        )
        with code.begin_block("for index, page in inode_for_each_page(inode):\n"):
            code.append(
                "physical = page_to_phys(page)\n"
                "mapping = page.mapping\n"
                "count = page._refcount.counter\n"
                "flags = decode_page_flags(page)\n"
            )
        code.print()
        return
    inode = Object(prog, "struct inode *", args.inode)
    mapping = inode.i_mapping.read_()
    print_table(
        [
            [CellFormat("INODE", "^"), CellFormat("NRPAGES", ">")],
            [CellFormat(args.inode, "^x"), mapping.nrpages.value_()],
        ]
    )
    print()
    pages = [page for _, page in address_space_for_each_page(mapping)]
    if pages:
        import numpy as np

        pfns = np.array([page_to_pfn(page) for page in pages], np.uint64)
        addresses = np.array([page.value_() for page in pages], np.uint64)
        print_pages(prog, [Pages(pfns, addresses)])
