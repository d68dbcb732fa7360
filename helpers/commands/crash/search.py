"""``search``: where values or strings are in memory."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Any

from drgn import FaultError, Object, Program, sizeof
from drgn.commands import (
    CommandArgumentError,
    argument,
    argument_group,
    drgn_argument,
    mutually_exclusive_group,
)
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.sched import cpu_curr

from ._address import parse_location
from ._code import CrashCodeBuilder
from ._define import crash_command
from ._dump import characters, lines
from ._output import address_digits, byte_order, working
from ._tasks import all_tasks, task_line

_CONTEXT_BYTES = 56


@crash_command(
    description="search memory",
    arguments=(
        mutually_exclusive_group(
            argument("-p", dest="physical", action="store_true",
                     help="search physical memory"),
            argument("-t", dest="stacks", action="store_const", const="all",
                     help="search the kernel stacks of all tasks"),
            argument("-T", dest="stacks", action="store_const", const="active",
                     help="search the kernel stacks of the tasks that run"),
        ),
        argument("-s", dest="start", metavar="START",
                 help="begin at this hexadecimal address or symbol"),
        mutually_exclusive_group(
            argument("-e", dest="end", metavar="END",
                     help="end before this hexadecimal address or symbol"),
            argument("-l", dest="length", metavar="LENGTH",
                     type="decimal_or_hexadecimal", help="search so many bytes"),
        ),
        argument_group(
            mutually_exclusive_group(
                argument("-c", dest="kind", action="store_const", const="string",
                         help="strings"),
                argument("-w", dest="kind", action="store_const", const="u32",
                         help="unsigned ints"),
                argument("-h", dest="kind", action="store_const", const="u16",
                         help="unsigned shorts"),
            ),
            title="units",
            description="What the values are; without one of these, unsigned longs.",
        ),
        argument("-x", dest="context", metavar="CONTEXT", type=int,
                 help="show so many units before and after what is found; not with -c"),
        argument("-m", dest="ignore_mask", metavar="IGNORE_MASK", type="address",
                 help="hexadecimal mask of bits that may differ; not with -c"),
        drgn_argument,
        argument("values", metavar="value", nargs="+",
                 help="hexadecimal number or name of a symbol, whose address is meant;"
                 " with -c, text"),
    ),
)  # fmt: skip
def _crash_cmd_search(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    _check(args)
    if args.drgn:
        _print_code(prog, args)
        return
    search = _Search(prog, args)
    if args.stacks is None:
        search.run(*_range(prog, args), args.physical)
        return
    size = prog["THREAD_SIZE"].value_()
    for task in _tasks(prog, args.stacks):
        stack = task.stack.value_()
        if stack:  # Else it has exited.
            search.run(stack, stack + size - 1, False, task)


def _check(args: argparse.Namespace) -> None:
    wrong = []
    if args.kind == "string":
        wrong += [
            f"{option} cannot be used with -c"
            for option, value in (("-m", args.ignore_mask), ("-x", args.context))
            if value is not None
        ]
    if args.stacks is not None:
        wrong += [
            f"{option} cannot be used with -t or -T"
            for option, value in (
                ("-s", args.start),
                ("-e", args.end),
                ("-l", args.length),
            )
            if value is not None
        ]
    if args.context is not None and args.context < 0:
        wrong.append(f"-x: not a number of units: {args.context}")
    if wrong:
        raise CommandArgumentError(f"search: error: {wrong[0]}")


def _range(prog: Program, args: argparse.Namespace) -> tuple[int | None, int | None]:
    """The first and the last address to search, None for no bound."""
    start = None
    if args.start is not None:
        start = parse_location(prog, args.start).resolve(prog)
    end = None
    if args.end is not None:
        end = parse_location(prog, args.end).resolve(prog)
    elif args.length is not None:
        end = (start or 0) + args.length
    if end is not None and end <= (start or 0):
        raise ValueError("there is nothing between the start and the end")
    return start, None if end is None else end - 1


def _tasks(prog: Program, which: str) -> Iterator[Object]:
    if which == "all":
        return all_tasks(prog)
    return (cpu_curr(prog, cpu) for cpu in for_each_online_cpu(prog))


def _pattern(strings: list[str]) -> bytes:
    """A regular expression for any of some strings."""
    return b"|".join(re.escape(_encoded(each)) for each in strings)


def _encoded(string: str) -> bytes:
    return string.encode(errors="surrogateescape")


_SIZES = {"u16": 2, "u32": 4}


class _Search:
    """What is searched for, and how it is shown."""

    def __init__(self, prog: Program, args: argparse.Namespace) -> None:
        self._prog = prog
        self._args = args
        self._size = _SIZES.get(args.kind, sizeof(prog.type("unsigned long")))
        self._names: dict[int, str] = {}
        self._printed = False
        if args.kind == "string":
            self._iterator = self._strings()
        else:
            self._iterator = self._numbers()

    def _strings(self) -> Any:
        values = self._args.values
        if len(values) == 1:
            # Where a string is is found faster than where an expression matches.
            return self._prog.search_memory(_encoded(values[0]))
        return self._prog.search_memory_regex(_pattern(values))

    def _numbers(self) -> Any:
        prog, args = self._prog, self._args
        values = []
        for text in args.values:
            location = parse_location(prog, text)
            value = location.resolve(prog)
            if value >> 8 * self._size:
                raise ValueError(f"{text} has more than {8 * self._size} bits")
            if location.symbol is not None:
                self._names[value] = location.symbol
            values.append(value)
        search = getattr(prog, _METHODS[args.kind])
        return search(*values, ignore_mask=args.ignore_mask or 0)

    def run(
        self,
        first: int | None,
        last: int | None,
        physical: bool,
        task: Object | None = None,
    ) -> None:
        """Search, and print what is found; a task is named before it."""
        found = iter(self._iterator.set_address_range(first, last, physical=physical))
        with working("searching memory"):
            result = next(found, None)
        while result is not None:
            if task is not None:
                self._separate()
                print(task_line(task))
                task = None
            if self._args.context:
                self._separate()
            self._print(*(result if isinstance(result, tuple) else (result, b"")))
            self._printed = True
            result = next(found, None)

    def _separate(self) -> None:
        """Print an empty line between what stands together."""
        if self._printed:
            print()
        self._printed = True

    def _print(self, address: int, value: Any) -> None:
        context = self._args.context
        if isinstance(value, bytes):
            text = characters(self._read(address, _CONTEXT_BYTES))
            print(f"{address:x}: {text}")
            return
        name = self._names.get(value)
        shown = f"{value:x}" if name is None else f"{value:x} ({name})"
        if not context:
            print(f"{address:x}: {shown}")
            return
        size = context * self._size
        before = max(address - size, 0)
        self._print_lines(before, self._read(before, address - before))
        print(f"{address:{address_digits(self._prog)}x}:  {shown}")
        self._print_lines(address + self._size, self._read(address + self._size, size))

    def _print_lines(self, address: int, data: bytes) -> None:
        order = byte_order(self._prog)
        for line in lines(self._prog, address, data, self._size, order):
            print(line)

    def _read(self, address: int, size: int) -> bytes:
        """Read memory, less of it where it ends."""
        read = self._prog.read
        physical = self._args.physical
        try:
            return read(address, size, physical)
        except FaultError as error:
            # Up to the byte that cannot be read, in whole units.
            readable = min(max(error.address - address, 0), size)
        try:
            return read(address, readable // self._size * self._size, physical)
        except FaultError:
            return b""


_METHODS = {
    None: "search_memory_word",
    "u32": "search_memory_u32",
    "u16": "search_memory_u16",
}


def _print_code(prog: Program, args: argparse.Namespace) -> None:
    code = CrashCodeBuilder(prog)
    if args.kind == "string":
        if len(args.values) == 1:
            code.append(f"matches = prog.search_memory({_encoded(args.values[0])!r})\n")
        else:
            pattern = _pattern(args.values)
            code.append(f"matches = prog.search_memory_regex({pattern!r})\n")
    else:
        values = [parse_location(prog, value).code() for value in args.values]
        if args.ignore_mask:
            values.append(f"ignore_mask={args.ignore_mask:#x}")
        arguments = "".join(f"    {value},\n" for value in values)
        code.append(f"matches = prog.{_METHODS[args.kind]}(\n{arguments})\n")
    if args.stacks is not None:
        _append_stacks(code, args)
    else:
        _append_range(code, prog, args)
        _append_matches(code, args)
    code.print()


def _append_range(
    code: CrashCodeBuilder, prog: Program, args: argparse.Namespace
) -> None:
    start = None if args.start is None else parse_location(prog, args.start).code()
    end = None
    if args.end is not None:
        end = f"{parse_location(prog, args.end).code()} - 1"
    elif args.length is not None:
        end = f"{start or 0} + {args.length - 1}"
    if start is not None or end is not None or args.physical:
        code.append(
            f"matches.set_address_range({start}, {end}, physical={args.physical})\n"
        )


def _append_stacks(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    if args.stacks == "all":
        code.add_from_import("drgn.helpers.linux.pid", "for_each_task")
        tasks = "for_each_task(idle=True)"
    else:
        code.add_from_import("drgn.helpers.linux.cpumask", "for_each_online_cpu")
        code.add_from_import("drgn.helpers.linux.sched", "cpu_curr")
        tasks = "map(cpu_curr, for_each_online_cpu())"
    code.append('stack_size = prog["THREAD_SIZE"].value_()\n')
    with code.begin_block(f"for task in {tasks}:\n"):
        code.append("stack = task.stack.value_()\n")
        with code.begin_block("if stack:  # Else it has exited.\n"):
            code.append("matches.set_address_range(stack, stack + stack_size - 1)\n")
            _append_matches(code, args)


def _append_matches(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    single = args.kind == "string" and len(args.values) == 1
    name = "address" if single else "address, value"
    code.append(f"for {name} in matches:\n    ...\n")
