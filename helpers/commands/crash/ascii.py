"""``ascii``: the characters that a value's bytes stand for, or a chart of them."""

from __future__ import annotations

import argparse
from typing import Any

from drgn import Program, sizeof
from drgn.commands import argument, drgn_argument

from ._code import CrashCodeBuilder
from ._define import crash_command
from ._output import byte_order

_CONTROLS = (
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL",
    "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI",
    "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB",
    "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
)  # fmt: skip


@crash_command(
    description="show the bytes of a value as characters",
    arguments=(
        drgn_argument,
        argument(
            "values",
            metavar="value",
            nargs="*",
            type="address",
            help="hexadecimal value of up to 64 bits; without one, a chart is shown",
        ),
    ),
)
def _crash_cmd_ascii(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.drgn:
        _print_code(prog, args.values)
        return
    if not args.values:
        _print_chart()
    word = sizeof(prog.type("unsigned long"))
    for value in args.values:
        size = word if value < 1 << 8 * word else 8
        text = "".join(map(_character, value.to_bytes(size, byte_order(prog))))
        print(f"{value:0{2 * size}x}: {text}")


def _name(code: int) -> str:
    """A character, or the name of one that is not seen."""
    if code < len(_CONTROLS):
        return _CONTROLS[code]
    return {0x20: "SP", 0x7F: "DEL"}.get(code, chr(code))


def _character(code: int) -> str:
    if code > 0x7F:
        return f"<{code:x}>"
    return chr(code) if 0x20 <= code < 0x7F else f"<{_name(code)}>"


def _print_chart() -> None:
    print("      0    1   2   3   4   5   6   7")
    print("        +-------------------------------")
    for low in range(16):
        cells = []
        for code in range(low, 0x80, 16):
            # The names of the controls end their columns, characters stand amid theirs.
            name = _name(code)
            cells.append(name.rjust(3) if len(name) > 1 else f" {name} ")
        print(f"    {low:X} | {' '.join(cells)}".rstrip())


def _print_code(prog: Program, values: list[int]) -> None:
    code = CrashCodeBuilder(prog)
    if not values:
        code.append("characters = [chr(code) for code in range(0x80)]\n")
        code.print()
        return
    code.add_from_import("drgn", "sizeof")
    code.append('size = sizeof(prog.type("unsigned long"))\n')
    numbers = "".join(f"{value:#x}, " for value in values)
    with code.begin_block(f"for value in ({numbers.rstrip()}):\n"):
        code.append(
            "size = max(size, -(-value.bit_length() // 8))\n"
            f'characters = value.to_bytes(size, "{byte_order(prog)}")\n'
        )
    code.print()
