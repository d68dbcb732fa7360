"""``sig``: signals, how tasks handle them, and those that are pending."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

from drgn import Object, Program, sizeof
from drgn.commands import argument, drgn_argument, mutually_exclusive_group
from drgn.helpers.common.format import CellFormat, print_table
from drgn.helpers.linux.pid import for_each_task_in_group
from drgn.helpers.linux.signal import (
    decode_sigaction_flags_value,
    signal_numbers,
    sigpending_for_each,
    sigset_to_hex,
)

from ._code import CrashCodeBuilder
from ._define import crash_command
from ._task_command import TASK_COMMANDS, TaskCommand
from ._tasks import task_line, task_line_code, tasks_argument

# include/uapi/asm-generic/signal-defs.h: what a handler's address stands for.
_HANDLERS = {0: "SIG_DFL", 1: "SIG_IGN"}


def _show(prog: Program, args: argparse.Namespace, task: Object) -> None:
    signal = task.signal.read_()
    print(task_line(task))
    print(
        f"SIGNAL_STRUCT: {signal.value_():x}  NR_THREADS: {signal.nr_threads.value_()}"
    )
    _print_handlers(prog, task)
    if not args.group:
        _print_private(task, "")
    print("SHARED_PENDING")
    _print_pending(signal.shared_pending, "")
    if args.group:
        for thread in for_each_task_in_group(task, include_self=True):
            print(f"\n  {task_line(thread)}")
            _print_private(thread, "  ")


def _print_handlers(prog: Program, task: Object) -> None:
    rows: list[Sequence[Any]] = [_HANDLERS_TITLES]
    sighand = task.sighand.read_()
    # An exited task has given up its handlers.
    if sighand:
        actions = sighand.action
        address, size = actions.address_, sizeof(actions[0])
        handlers = _action_reader(prog)
        data = prog.read(address, len(actions) * size)
        for i, number in enumerate(_numbers(len(actions))):
            action = data[i * size : (i + 1) * size]
            rows.append(
                (number, CellFormat(address + i * size, "^x"), *handlers(action))
            )
    print_table(rows)


_HANDLERS_TITLES = (
    CellFormat("SIG", ">"),
    CellFormat("SIGACTION", "^"),
    CellFormat("HANDLER", "^"),
    CellFormat("MASK", "^"),
    "FLAGS",
)


@cache
def _numbers(count: int) -> Sequence[CellFormat]:
    return [CellFormat(f"[{number}]", ">") for number in range(1, count + 1)]


def _action_reader(prog: Program) -> Callable[[bytes], Sequence[Any]]:
    """Return a function that makes the handler, mask and flags of a k_sigaction."""
    key = _action_reader
    reader: Callable[[bytes], Sequence[Any]] | None = prog.cache.get(key)
    if reader is not None:
        return reader

    # Most are the same, of all tasks.
    @lru_cache(1024)
    def cells(action: bytes) -> Sequence[Any]:
        it = Object.from_bytes_(prog, "struct k_sigaction", action)
        handler: int = it.sa.sa_handler.value_()
        flags: int = it.sa.sa_flags.value_()
        names = f" ({decode_sigaction_flags_value(prog, flags)})" if flags else ""
        return (
            CellFormat(_HANDLERS[handler], "^")
            if handler in _HANDLERS
            else CellFormat(handler, ">x"),
            sigset_to_hex(it.sa.sa_mask),
            f"{flags:x}{names}",
        )

    prog.cache[key] = cells
    return cells


def _print_private(task: Object, indent: str) -> None:
    print(f"{indent}   BLOCKED: {sigset_to_hex(task.blocked)}")
    print(f"{indent}PRIVATE_PENDING")
    _print_pending(task.pending, indent)


def _print_pending(pending: Object, indent: str) -> None:
    print(f"{indent}    SIGNAL: {sigset_to_hex(pending.signal)}")
    rows: list[list[Any]] = [
        [CellFormat(each.info.si_signo.value_(), ">"), each.info.address_]
        for each in sigpending_for_each(pending.address_of_())
    ]
    title = f"{indent}  SIGQUEUE:"
    if not rows:
        print(f"{title} (empty)")
        return
    table: list[list[Any]] = [[title, "SIG", CellFormat("SIGINFO", "^")]]
    table += [["", number, CellFormat(info, "^x")] for number, info in rows]
    print_table(table)


def _code(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    task_line_code(code)
    code.add_from_import(
        "drgn.helpers.linux.signal",
        "decode_sigaction_flags_value",
        "sigpending_for_each",
        "sigset_to_hex",
    )
    code.append("signal_struct = task.signal\nnr_threads = signal_struct.nr_threads\n")
    with code.begin_block(
        "for number, sigaction in enumerate(task.sighand.action, 1):\n"
    ):
        code.append(
            "handler = sigaction.sa.sa_handler\n"
            "mask = sigset_to_hex(sigaction.sa.sa_mask)\n"
            "flags = decode_sigaction_flags_value(sigaction.sa.sa_flags)\n"
        )
    code.append("shared = sigset_to_hex(signal_struct.shared_pending.signal)\n")
    with code.begin_block(
        "for queued in sigpending_for_each(signal_struct.shared_pending):\n"
    ):
        code.append("number = queued.info.si_signo\n")
    threads = "(task,)"
    if args.group:
        code.add_from_import("drgn.helpers.linux.pid", "for_each_task_in_group")
        threads = "for_each_task_in_group(task, include_self=True)"
    with code.begin_block(f"for thread in {threads}:\n"):
        code.append(
            "blocked = sigset_to_hex(thread.blocked)\n"
            "pending = sigset_to_hex(thread.pending.signal)\n"
        )
        with code.begin_block("for queued in sigpending_for_each(thread.pending):\n"):
            code.append("number = queued.info.si_signo\n")


_GROUP = argument(
    "-g",
    dest="group",
    action="store_true",
    help="show what is pending for each thread of the tasks' processes",
)
_SIG = TASK_COMMANDS["sig"] = TaskCommand((_GROUP, drgn_argument), _code, _show)


@crash_command(
    description="signal handling",
    long_description="Show how tasks handle each signal, which they block, and which"
    " are pending,\nor translate numbers and sets of signals.",
    arguments=(
        mutually_exclusive_group(
            _GROUP,
            argument(
                "-l",
                dest="list",
                action="store_true",
                help="list the numbers and names of all signals",
            ),
            argument(
                "-s",
                dest="sigset",
                metavar="SIGSET",
                type="hexadecimal",
                help="list the names of the signals in a hexadecimal set",
            ),
        ),
        drgn_argument,
        tasks_argument,
    ),
)
def _crash_cmd_sig(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.list:
        _list(prog, args)
    elif args.sigset is not None:
        _translate(prog, args)
    else:
        _SIG.run_chosen(prog, args, args.tasks)


def _list(prog: Program, args: argparse.Namespace) -> None:
    if args.drgn:
        code = CrashCodeBuilder(prog)
        code.add_from_import("drgn.helpers.linux.signal", "signal_numbers")
        with code.begin_block("for number, names in signal_numbers().items():\n"):
            code.append("name = names[0]\n")
        code.print()
        return
    for number, names in signal_numbers(prog).items():
        print(f"{f'[{number}]':>4} {'/'.join(names)}")


def _translate(prog: Program, args: argparse.Namespace) -> None:
    sigset: int = args.sigset
    if args.drgn:
        code = CrashCodeBuilder(prog)
        code.add_from_import("drgn.helpers.linux.signal", "decode_sigset")
        code.append(f"names = decode_sigset({sigset:#x})\n")
        code.print()
        return
    if sigset < 0:
        raise ValueError("sigset cannot be negative")
    if sigset >> 64:
        raise ValueError("sigset has more than 64 bits")
    numbers = signal_numbers(prog)
    names = (numbers[i + 1][0] for i in range(64) if sigset >> i & 1)
    print(textwrap.fill(" ".join(names), 80, break_on_hyphens=False))
