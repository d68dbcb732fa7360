"""``waitq``: the tasks on a wait queue."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

from drgn import Object, Program
from drgn.commands import CommandArgumentError, argument, drgn_argument
from drgn.helpers.linux.wait import waitqueue_for_each_task

from ._address import parse_hex
from ._code import CrashCodeBuilder
from ._context import find_pid_or_task
from ._define import PidOrTask, crash_command
from ._tasks import task_line, task_line_code


class _Queue(NamedTuple):
    """Where a wait queue is: at a symbol, at an address, or a member of a structure."""

    symbol: str | None
    address: int
    type_name: str | None = None
    member: str = ""


@crash_command(
    description="tasks on a wait queue",
    usage="**waitq** (*symbol* | *address* | *struct.member* *struct_addr*)"
    " [**--drgn**]",
    long_description="List the tasks that wait on a ``wait_queue_head_t``.",
    arguments=(
        argument(
            "queue",
            metavar="symbol|address|struct.member",
            nargs="?",
            help="the queue's symbol or its hexadecimal address, or the name of a"
            " structure and of its member that is a queue",
        ),
        argument(
            "structure",
            metavar="struct_addr",
            nargs="?",
            help="the hexadecimal address of that structure",
        ),
        drgn_argument,
    ),
)
def _crash_cmd_waitq(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.queue is None:
        raise CommandArgumentError(
            "waitq: error: symbol, address, or struct is required"
        )
    queue = _parse(args.queue, args.structure)
    if args.drgn:
        _print_code(prog, queue)
        return
    head = _head(prog, queue)
    empty = True
    for task in waitqueue_for_each_task(head):
        try:
            find_pid_or_task(prog, PidOrTask("task", task.value_()))
        except LookupError:
            # As of epoll: who is woken up is not in the entry.
            print(f"(an entry of no task, private: {task.value_():x})")
        else:
            print(task_line(task))
        empty = False
    if empty:
        name = f"({head.value_():x})" if queue.symbol else f"{head.value_():x}"
        symbol = f'"{queue.symbol}" ' if queue.symbol else ""
        print(f"wait queue {symbol}{name} is empty")


def _parse(queue: str, structure: str | None) -> _Queue:
    if structure is None:
        address = parse_hex(queue)
        return _Queue(queue, 0) if address is None else _Queue(None, address)
    address = parse_hex(structure)
    if address is None:
        raise ValueError(f"not a hexadecimal address: {structure!r}")
    type_name, _, member = queue.partition(".")
    if not member:
        raise ValueError(f"not a structure and its member: {queue!r}")
    return _Queue(None, address, type_name, member)


def _head(prog: Program, queue: _Queue) -> Object:
    if queue.symbol is not None:
        address = prog.symbol(queue.symbol).address
        return Object(prog, "wait_queue_head_t *", address)
    if queue.type_name is not None:
        type = prog.type(f"struct {queue.type_name}")
        structure = Object(prog, type, address=queue.address)
        address = structure.subobject_(queue.member).address_ or 0
        return Object(prog, "wait_queue_head_t *", address)
    return Object(prog, "wait_queue_head_t *", queue.address)


def _print_code(prog: Program, queue: _Queue) -> None:
    code = CrashCodeBuilder(prog)
    code.add_from_import("drgn.helpers.linux.wait", "waitqueue_for_each_task")
    if queue.type_name is not None:
        code.add_from_import("drgn", "Object")
        code.append(
            f'structure = Object(prog, "struct {queue.type_name}",'
            f" address={queue.address:#x})\n"
            f"wq = structure.{queue.member}.address_of_()\n"
        )
    elif queue.symbol is not None:
        code.append(f'wq = prog["{queue.symbol}"].address_of_()\n')
    else:
        code.add_from_import("drgn", "Object")
        code.append(f'wq = Object(prog, "wait_queue_head_t *", {queue.address:#x})\n')
    with code.begin_block("for task in waitqueue_for_each_task(wq):\n"):
        task_line_code(code)
    code.print()
