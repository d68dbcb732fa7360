"""``sym``: symbols by name or address, and all of them."""

from __future__ import annotations

import argparse
import re
from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from drgn import Program, Symbol, SymbolKind
from drgn.commands import argument, drgn_argument, mutually_exclusive_group

from ._address import parse_hex
from ._code import CrashCodeBuilder
from ._define import crash_command


@crash_command(
    description="symbols by name or address",
    arguments=(
        mutually_exclusive_group(
            argument("-l", dest="list", action="store_true",
                     help="list all symbols, by address"),
            argument("-q", dest="queries", action="append", metavar="STRING",
                     help="list the symbols that have *STRING* in their names; may be"
                     " repeated"),
            argument("symbols", metavar="name|address", nargs="*", default=[],
                     help="name of a symbol, hexadecimal address in one, or a place as"
                     " the kernel logs it (``schedule+0x27/0xb2``)"),
            required=True,
        ),
        argument("-p", dest="previous", action="store_true",
                 help="show the symbol before too"),
        argument("-n", dest="next", action="store_true",
                 help="show the symbol after too"),
        drgn_argument,
    ),
)  # fmt: skip
def _crash_cmd_sym(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.drgn:
        _print_code(prog, args)
    elif args.list:
        for symbol in _by_address(prog):
            print(_line(symbol))
    elif args.queries:
        symbols = _by_address(prog)
        for query in args.queries:
            _print_matches(symbols, query, "")
    else:
        _print_symbols(prog, args)


_PLACE = re.compile(r"([^+]+)\+(0[xX][0-9a-fA-F]+|[0-9]+)(?:/0[xX][0-9a-fA-F]+)?")

# Checksums and names of what is exported, kCFI's hashes of types (since 6.1,
# 89245600941e), labels of the compiler's, and the marks of ARM's and RISC-V's
# assemblers say nothing.
_NOISE = ("__crc_", "__kstrtab", "__kcfi_typeid_", ".L", "$")


def _is_listed(symbol: Symbol) -> bool:
    return symbol.kind not in (
        SymbolKind.FILE,
        SymbolKind.SECTION,
    ) and not symbol.name.startswith(_NOISE)


def _by_address(prog: Program) -> list[Symbol]:
    listed = (symbol for symbol in prog.symbols() if _is_listed(symbol))
    return sorted(listed, key=attrgetter("address"))


def _line(symbol: Symbol) -> str:
    return f"{symbol.address:x} {symbol.name}"


def _print_matches(symbols: Sequence[Symbol], query: str, indent: str) -> None:
    found = [symbol for symbol in symbols if query in symbol.name]
    for symbol in found:
        print(indent + _line(symbol))
    if not found:
        print(f"{indent}(none found)")


def _print_symbols(prog: Program, args: argparse.Namespace) -> None:
    symbols: list[Symbol] = []  # All of them, once they are needed.
    for word in args.symbols:
        place = _PLACE.fullmatch(word)
        if place is not None:
            word = place[1]
        try:
            symbol = find_symbol(prog, word)
        except LookupError:
            symbols = symbols or _by_address(prog)
            print(f"symbol not found: {word}\npossible alternatives:")
            _print_matches(symbols, word, "  ")
            continue
        shown: Sequence[Symbol] = [symbol]
        if (args.previous or args.next) and _is_listed(symbol):
            symbols = symbols or _by_address(prog)
            i = _index(symbols, symbol)
            first = i - 1 if args.previous and i else i
            shown = symbols[first : i + 2 if args.next else i + 1]
        for each in shown:
            if place is not None and each == symbol:
                address = symbol.address + int(place[2], 0)
                print(f"{address:x} {place[0]}{_source(prog, address)}")
            else:
                print(_line(each) + _source(prog, each.address))


def find_symbol(prog: Program, word: str) -> Symbol:
    """The symbol of a name, or the one that a hexadecimal address is in.

    Raises LookupError.
    """
    address = parse_hex(word)
    if address is not None:
        try:
            return prog.symbol(address)
        except LookupError:
            pass  # "add" could be either.
    return prog.symbol(word)


def _index(symbols: Sequence[Symbol], symbol: Symbol) -> int:
    i = bisect_left(symbols, symbol.address, key=attrgetter("address"))
    while symbols[i] != symbol:
        i += 1
    return i


def _source(prog: Program, address: int) -> str:
    """Where code is from, as `` file: line``; nothing for data."""
    try:
        location = prog.source_location(address)[0]
    except (LookupError, IndexError):
        return ""
    return f" {location.filename}: {location.line}" if location.filename else ""


def _print_code(prog: Program, args: argparse.Namespace) -> None:
    code = CrashCodeBuilder(prog)
    if args.list or args.queries or args.previous or args.next:
        code.add_from_import("operator", "attrgetter")
        code.append('symbols = sorted(prog.symbols(), key=attrgetter("address"))\n')
    for query in args.queries or ():
        code.append(
            f"matches = [symbol for symbol in symbols if {query!r} in symbol.name]\n"
        )
    for word in args.symbols:
        _append_symbol(code, word, args)
    code.print()


def _append_symbol(code: CrashCodeBuilder, word: str, args: argparse.Namespace) -> None:
    address = parse_hex(word)
    place = _PLACE.fullmatch(word)
    where = "symbol.address"
    if place is not None:
        word = place[1]
        where += f" + {place[2]}"
    code.append(
        f"symbol = prog.symbol({repr(word) if address is None else hex(address)})\n"
        "try:\n"
        f"    location = prog.source_location({where})[0]\n"
        "except LookupError:\n"
        "    location = None  # Data has no source lines.\n"
    )
    if args.previous or args.next:
        code.append("i = symbols.index(symbol)\n")
    if args.previous:
        code.append("previous_symbol = symbols[i - 1] if i else None\n")
    if args.next:
        code.append("next_symbol = symbols[i + 1] if i + 1 < len(symbols) else None\n")
