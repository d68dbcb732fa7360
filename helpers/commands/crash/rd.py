"""``rd``: memory as numbers, characters or symbols."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from drgn import FaultError, Program, sizeof
from drgn.commands import (
    CommandArgumentError,
    argument,
    drgn_argument,
    mutually_exclusive_group,
)
from drgn.helpers.linux.mm import access_process_vm

from ._address import Location, is_user_address, parse_location
from ._code import CrashCodeBuilder
from ._context import task_context
from ._define import crash_command
from ._dump import FORMATS, PRINTABLE, lines
from ._output import address_digits, byte_order
from ._slab_names import slab_cache_name

_TEXT_LINE = 60
_CHUNK = 1 << 20
_PAGE = 4096


def _size_argument(bits: int, more: str = "") -> argument:
    return argument(
        f"-{bits}",
        dest="unit",
        action="store_const",
        const=bits // 8,
        help=f"show values of {bits} bits{more}",
    )


@crash_command(
    description="read memory",
    arguments=(
        mutually_exclusive_group(
            argument("-p", dest="physical", action="store_true",
                     help="the address is physical"),
            argument("-u", dest="user", action="store_true",
                     help="the address is user space's; needed only where an address"
                     " alone does not tell"),
        ),
        mutually_exclusive_group(
            argument("-d", dest="base", action="store_const", const="d",
                     help="show signed decimal numbers"),
            argument("-D", dest="base", action="store_const", const="u",
                     help="show unsigned decimal numbers"),
        ),
        argument("-s", dest="symbols", action="store_true",
                 help="show addresses of symbols by their names"),
        argument("-S", dest="slabs", action="count", default=0,
                 help="as -s, and addresses of slab objects by the names of their"
                 " caches; given twice, by address and name"),
        argument("-x", dest="no_text", action="store_true",
                 help="do not show the characters at the end of each line"),
        mutually_exclusive_group(
            _size_argument(8),
            _size_argument(16),
            _size_argument(32, " (the default on 32-bit machines)"),
            _size_argument(64, " (the default on 64-bit machines)"),
            argument("-a", dest="text", action="store_true",
                     help="show characters alone, up to the first that cannot be"
                     " printed"),
        ),
        argument("-N", dest="network", action="store_true",
                 help="show numbers in network byte order"),
        argument("-R", dest="reverse", action="store_true",
                 help="show the memory that ends with the address, not with -e"),
        argument("-o", dest="offset", metavar="OFFSET", type="decimal_or_hexadecimal",
                 default=0, help="add this to the address"),
        argument("-e", dest="end", metavar="END", type="address",
                 help="show the memory up to this hexadecimal address"),
        argument("-r", dest="raw", metavar="RAW",
                 help="write the memory to this file; the count, or -e, is in bytes"),
        drgn_argument,
        argument("start", metavar="address|symbol",
                 help="hexadecimal address, or symbol, to begin at"),
        argument("count", nargs="?", type=int,
                 help="how many values, in decimal (default: 1)"),
    ),
)  # fmt: skip
def _crash_cmd_rd(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    _check(args)
    location = parse_location(prog, args.start)
    if location.cpus is not None:
        raise CommandArgumentError("rd: error: an address here has no CPUs")
    if args.physical and location.address is None:
        raise CommandArgumentError(f"rd: error: no physical address: {args.start!r}")
    unit = _unit(prog, args)
    if args.drgn:
        _print_code(prog, args, location, unit)
        return
    start = location.resolve(prog) + args.offset
    count = _count(args, start, unit)
    if args.reverse:
        start -= unit * (count - 1)
    if not 0 <= start < 1 << 64:
        raise ValueError(f"not an address: {start:#x}")
    memory = _Memory(prog, start, args)
    if args.raw is not None:
        _write(memory, count, args.raw)
    elif args.text:
        _print_text(memory, count)
    else:
        _print_values(memory, count, unit, args)


def _check(args: argparse.Namespace) -> None:
    for wrong, text in (
        (args.end is not None and args.count is not None, "a count and -e exclude"),
        (args.end is not None and args.reverse, "-R and -e exclude"),
        (args.raw is not None and args.unit not in (None, 1), "-r and a size exclude"),
    ):
        if wrong:
            raise CommandArgumentError(f"rd: error: {text} one another")


def _unit(prog: Program, args: argparse.Namespace) -> int:
    if args.text or args.raw is not None:
        return 1
    word = sizeof(prog.type("unsigned long"))
    unit = args.unit or word
    if (args.symbols or args.slabs) and unit != word:
        raise CommandArgumentError("rd: error: -s and -S want words")
    return int(unit)


def _count(args: argparse.Namespace, start: int, unit: int) -> int:
    if args.end is not None:
        if args.end < start:
            raise ValueError(f"the end lies before the start: {args.end:#x}")
        return max(1, int((args.end - start) // unit))
    if args.count is not None and args.count < 0:
        raise ValueError(f"not a count: {args.count}")
    if args.text and args.count is None:
        return 1 << 64  # The first character that cannot be printed ends it.
    return args.count or 1


class _Memory:
    """An address to read at, and the address space that it is in."""

    def __init__(self, prog: Program, start: int, args: argparse.Namespace) -> None:
        self.prog = prog
        self.start = start
        self.physical = args.physical
        self.task = None
        if args.user or (not args.physical and _is_user(prog, start)):
            self.task = task_context(prog)

    def read(self, address: int, size: int) -> bytes:
        """Read some of it. Raises FaultError."""
        if self.task is not None:
            return access_process_vm(self.task, address, size)
        return self.prog.read(address, size, self.physical)

    def chunks(self, size: int) -> Iterator[tuple[int, bytes]]:
        """Addresses and bytes, as much at a time as one may hold in memory.

        Raises FaultError first if the end cannot be read.
        """
        last = self.start + size - 1
        if last >= 1 << 64:
            raise FaultError("address is not mapped", self.start)
        if size > _CHUNK:
            self.read(last, 1)
        for address in range(self.start, self.start + size, _CHUNK):
            yield address, self.read(address, min(_CHUNK, self.start + size - address))


def _is_user(prog: Program, address: int) -> bool:
    try:
        return is_user_address(prog, address)
    except ValueError:
        return False  # It may be either: -u tells.


def _write(memory: _Memory, size: int, path: str) -> None:
    chunks = memory.chunks(size)
    first = next(chunks)  # What cannot be read makes no file.
    with open(path, "wb") as file:
        for _, data in chain([first], chunks):
            file.write(data)
    print(f"{size} bytes copied from {memory.start:#x} to {path}")


def _print_text(memory: _Memory, size: int) -> None:
    address = memory.start
    end = min(memory.start + size, 1 << 64)
    pending = b""
    printable = True
    while printable and address + len(pending) < end:
        # Not beyond a page, since the text may end before one that is not there.
        position = address + len(pending)
        length = min(end - position, _PAGE - position % _PAGE)
        data = memory.read(position, length)
        text = data[: len(data) - len(data.lstrip(PRINTABLE))]
        printable = len(text) == len(data)
        pending += text
        while len(pending) >= _TEXT_LINE or (pending and not printable):
            _print_text_line(memory.prog, address, pending[:_TEXT_LINE])
            address += len(pending[:_TEXT_LINE])
            pending = pending[_TEXT_LINE:]
    if pending:
        _print_text_line(memory.prog, address, pending)


def _print_text_line(prog: Program, address: int, text: bytes) -> None:
    print(f"{address:{address_digits(prog)}x}:  {text.decode('ascii')}")


def _print_values(
    memory: _Memory, count: int, unit: int, args: argparse.Namespace
) -> None:
    prog = memory.prog
    cell = _cell(prog, unit, args)
    text = not (args.base or args.no_text or args.symbols or args.slabs)
    for address, data in memory.chunks(count * unit):
        for line in lines(
            prog,
            address,
            data,
            unit,
            "big" if args.network else byte_order(prog),
            signed=args.base == "d",
            cell=cell,
            text=text,
        ):
            print(line)


def _cell(
    prog: Program, unit: int, args: argparse.Namespace
) -> Callable[[int], str] | None:
    """How a value is shown, None for hexadecimal."""
    if args.base is not None:
        bits = 8 * unit
        longest = -(1 << (bits - 1)) if args.base == "d" else (1 << bits) - 1
        width = len(str(longest))
        return lambda value: f"{value:{width}}"
    width = 2 * unit
    if not (args.symbols or args.slabs):
        return None

    def name(value: int) -> str:
        text = _annotation(prog, value, args.slabs)
        return f"{value:0{width}x}" if text is None else f"{text:{width}}"

    return name


def _annotation(prog: Program, value: int, slabs: int) -> str | None:
    """The symbol or the slab cache that an address is in."""
    try:
        symbol = prog.symbol(value)
    except LookupError:
        pass
    else:
        return f"{symbol.name}+{value - symbol.address}"
    if not slabs:
        return None
    name = slab_cache_name(prog, value)
    if name is None:
        return None
    return f"[{value:x}:{name}]" if slabs > 1 else f"[{name}]"


def _print_code(
    prog: Program, args: argparse.Namespace, location: Location, unit: int
) -> None:
    code = CrashCodeBuilder(prog)
    start = location.code()
    if args.offset:
        start += f" + {args.offset}" if args.offset > 0 else f" - {-args.offset}"
    read = _append_reader(code, prog, args, location)
    code.append(f"start = {start}\n")
    if args.end is not None:
        code.append(f"count = max(1, ({args.end:#x} - start) // {unit})\n")
    elif args.text and args.count is None:
        byte = read.format(address="start + len(text)", size=1)
        code.append(
            f'text = b""\nwhile b" " <= (byte := {byte}) <= b"~":\n    text += byte\n'
        )
        code.print()
        return
    else:
        code.append(f"count = {args.count or 1}\n")
    if args.reverse:
        code.append(f"start -= {unit} * (count - 1)\n")
    size = f"count * {unit}" if unit > 1 else "count"
    code.append(f"memory = {read.format(address='start', size=size)}\n")
    if args.raw is not None:
        code.append(f'with open({args.raw!r}, "wb") as file:\n    file.write(memory)\n')
    elif not args.text:
        _append_values(code, prog, args, unit)
    code.print()


def _append_reader(
    code: CrashCodeBuilder,
    prog: Program,
    args: argparse.Namespace,
    location: Location,
) -> str:
    """The expression that reads memory, with fields for ``address`` and ``size``."""
    if args.physical:
        return "prog.read({address}, {size}, physical=True)"
    user = location.address is not None and _is_user(prog, location.address)
    if args.user or user:
        code.add_from_import("drgn.helpers.linux.mm", "access_process_vm")
        code.append_task()
        return "access_process_vm(task, {address}, {size})"
    return "prog.read({address}, {size})"


def _append_values(
    code: CrashCodeBuilder, prog: Program, args: argparse.Namespace, unit: int
) -> None:
    order = "big" if args.network else byte_order(prog)
    letter = FORMATS[unit].lower() if args.base == "d" else FORMATS[unit]
    code.add_import("struct")
    prefix = "<" if order == "little" else ">"
    code.append(f'values = struct.unpack(f"{prefix}{{count}}{letter}", memory)\n')
    if args.symbols or args.slabs:
        code.add_from_import("drgn.helpers.common.memory", "identify_address")
        code.append("names = [identify_address(value) for value in values]\n")
