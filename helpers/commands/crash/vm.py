"""``vm``: address spaces."""

from __future__ import annotations

import argparse
from typing import Any

from drgn import FaultError, Object, Program
from drgn.commands import drgn_argument
from drgn.helpers.common.format import CellFormat, escape_ascii_string, print_table
from drgn.helpers.linux.mm import for_each_vma, task_rss, task_vsize, vma_name

from ._code import CrashCodeBuilder
from ._define import crash_command
from ._task_command import TASK_COMMANDS, TaskCommand
from ._tasks import task_line, task_line_code, tasks_argument


def _show(prog: Program, args: argparse.Namespace, task: Object) -> None:
    print(task_line(task))
    mm = task.mm.read_()
    print_table(
        [
            [CellFormat(title, "^") for title in ("MM", "PGD", "RSS", "TOTAL_VM")],
            [
                CellFormat(mm.value_(), "^x"),
                CellFormat(mm.pgd.value_() if mm else 0, "^x"),
                CellFormat(_rss(prog, task), "^"),
                CellFormat(f"{task_vsize(task) // 1024}k", "^"),
            ],
        ]
    )
    if not mm:
        return
    rows: list[list[Any]] = [
        [CellFormat(title, "^") for title in ("VMA", "START", "END")]
        + ["FLAGS", "FILE"]
    ]
    try:
        for vma in for_each_vma(mm):
            values = (vma, vma.vm_start, vma.vm_end)
            flags = CellFormat(vma.vm_flags.value_(), "<x")
            cells = [CellFormat(value.value_(), "^x") for value in values]
            rows.append([*cells, flags, _name(vma)])
    finally:
        # A dump may lack the memory of some.
        print_table(rows)


def _rss(prog: Program, task: Object) -> str:
    try:
        pages: int = task_rss(task).total
    except FaultError:
        return "?"  # Each CPU has a part of the counters in its own memory.
    return f"{pages * (prog['PAGE_SIZE'].value_() // 1024)}k"


def _name(vma: Object) -> str:
    try:
        return escape_ascii_string(vma_name(vma), escape_backslash=True)
    except FaultError:
        return "?"


def _code(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    task_line_code(code)
    code.add_from_import(
        "drgn.helpers.linux.mm", "for_each_vma", "task_rss", "task_vsize", "vma_name"
    )
    code.append("mm = task.mm\nrss = task_rss(task)\nsize = task_vsize(task)\n")
    with code.begin_block("if mm:\n"):
        code.append("pgd = mm.pgd\n")
        with code.begin_block("for vma in for_each_vma(mm):\n"):
            code.append(
                "start = vma.vm_start\nend = vma.vm_end\nflags = vma.vm_flags\n"
                "name = vma_name(vma)\n"
            )


_VM = TASK_COMMANDS["vm"] = TaskCommand((drgn_argument,), _code, _show)


@crash_command(
    description="virtual memory",
    long_description="Show the address space of tasks: its ``mm_struct`` and page"
    " table, how much\nof it is resident, its size, and each mapped area with its"
    " flags and file.",
    arguments=(*_VM.arguments, tasks_argument),
)
def _crash_cmd_vm(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    _VM.run_chosen(prog, args, args.tasks)
