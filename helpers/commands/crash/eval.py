"""``eval``: a calculator for machine words."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from drgn import Program, sizeof
from drgn.commands import (
    CommandArgumentError,
    CommandError,
    ParsedCommand,
    argument,
    drgn_argument,
    parse_shell_command,
)

from ._code import CrashCodeBuilder
from ._define import crash_custom_command

_OPTIONS = re.compile(r"(?:(-[bl]+|--drgn)(?:\s+|$))*")
_VALUE = r"([-~]*)(0[xX][0-9a-fA-F]+|[0-9a-fA-F]+)([kKmMgG]?)"
_EXPRESSION = re.compile(rf"{_VALUE}(?:\s*([-+&|^*%/]|<<|>>)\s*{_VALUE})?")
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30}


class _Line(NamedTuple):
    options: frozenset[str]
    expression: str


class Value(NamedTuple):
    """A number, the unary operators before it (applied from the right), its unit."""

    operators: str
    digits: str
    unit: str

    @property
    def number(self) -> int:
        number = int(self.digits, 10 if self.digits.isdecimal() else 16)
        return number << _UNITS[self.unit.lower()]

    def compute(self, bits: int) -> int:
        """The value modulo 2**bits. Raises CommandError if the number is larger."""
        number = self.number
        if number >> bits:
            raise CommandError(f"{self.digits}{self.unit} has more than {bits} bits")
        for operator in reversed(self.operators):
            number = -number if operator == "-" else ~number
        return number & (1 << bits) - 1

    def code(self, type: str) -> str:
        decimal = self.digits.isdecimal()
        number = str(int(self.digits)) if decimal else hex(int(self.digits, 16))
        if self.unit:
            number += f" << {_UNITS[self.unit.lower()]}"
        return f'{self.operators}Object(prog, "{type}", {number})'


class Expression(NamedTuple):
    """One value, or two with an operator between."""

    left: Value
    operator: str | None
    right: Value | None

    def compute(self, bits: int) -> int:
        """The result as an unsigned word. Raises CommandError if there is none."""
        left = self.left.compute(bits)
        if self.right is None:
            return left
        right = self.right.compute(bits)
        if self.operator in ("/", "%") and not right:
            raise CommandError("division by zero")
        if self.operator in ("<<", ">>") and right >= bits:
            return 0
        return _compute(left, str(self.operator), right) & (1 << bits) - 1


def _compute(left: int, operator: str, right: int) -> int:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left // right
        case "%":
            return left % right
        case "&":
            return left & right
        case "|":
            return left | right
        case "^":
            return left ^ right
        case "<<":
            return left << right
        case ">>":
            return left >> right
    raise AssertionError(operator)


def parse_expression(text: str) -> Expression:
    """Parse an expression, which may be in parentheses. Raises CommandArgumentError."""
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        raise CommandArgumentError(f"eval: error: not an expression: {text!r}")
    left = Value(match[1], match[2], match[3])
    right = None if match[4] is None else Value(match[5], match[6], match[7])
    return Expression(left, match[4], right)


def _parse(source: str) -> ParsedCommand[_Line]:
    """Part options, the expression, and redirections and pipes after it.

    Within parentheses ``|``, ``<`` and ``>`` belong to the expression.
    """
    match = _OPTIONS.match(source)
    assert match is not None
    words = match[0].split()
    options = {"drgn"} if "--drgn" in words else set()
    options.update(*(word[1:] for word in words if word != "--drgn"))
    rest = source[match.end() :].strip()
    end = rest.find(")") + 1 if rest.startswith("(") else 0
    if not end:
        operator = re.search(r"[|<>]", rest)
        end = operator.start() if operator else len(rest)
    parsed = parse_shell_command(rest[end:])
    expression = " ".join([rest[:end], *parsed.args]).strip()
    if expression.endswith("--drgn"):
        options.add("drgn")
        expression = expression.removesuffix("--drgn")
    return ParsedCommand(
        _Line(frozenset(options), expression), parsed.redirections, parsed.pipeline
    )


@crash_custom_command(
    description="compute, and show the result in several bases",
    usage="**eval** [**-b**] [**-l**] [**--drgn**] (*expression*)",
    arguments=(
        argument("-b", action="store_true", help="show which bits are set, from bit 0"),
        argument("-l", action="store_true",
                 help="compute with 64 bits on a 32-bit machine too"),
        drgn_argument,
        argument(
            "expression",
            help="a value, or two with one of + - & | ^ * % / << >> between\n"
            "\n"
            "A value is a decimal or hexadecimal number. The operators - and ~ may"
            " stand before it, and one of the letters k, m and g behind it, for a"
            " multiple of 1024, 1024*1024 and 1024*1024*1024.\n"
            "\n"
            "Parentheses are needed around | << and >> only.",
        ),
    ),
    parse=_parse,
)  # fmt: skip
def _crash_cmd_eval(prog: Program, name: str, args: _Line, **kwargs: Any) -> None:
    expression = parse_expression(args.expression)
    long = "unsigned long long" if "l" in args.options else "unsigned long"
    bits = 8 * sizeof(prog.type(long))
    if "drgn" in args.options:
        _print_code(prog, expression, long, bits if "b" in args.options else None)
        return
    value = expression.compute(bits)
    signed = f"  ({value - (1 << bits)})" if value >> (bits - 1) else ""
    print(f"hexadecimal: {value:x}{_in_units(value)}")
    print(f"    decimal: {value}{signed}")
    print(f"      octal: {value:o}")
    print(f"     binary: {value:0{bits}b}")
    if "b" in args.options:
        set_bits = [f" {bit}" for bit in reversed(range(bits)) if value >> bit & 1]
        print(f"   bits set:{''.join(set_bits)}")


def _in_units(value: int) -> str:
    """The value in the largest unit that it is a multiple of."""
    for unit in "gmk":
        shift = _UNITS[unit]
        if not value & (1 << shift) - 1:
            return f"  ({value >> shift}{unit.upper()}B)"
    return ""


def _print_code(
    prog: Program, expression: Expression, long: str, bits: int | None
) -> None:
    code = CrashCodeBuilder(prog)
    code.add_from_import("drgn", "Object", "cast")
    code.add_from_import("drgn.helpers.common.format", "number_in_binary_units")
    if expression.right is None:
        code.append(f"value = {expression.left.code(long)}\n")
    else:
        code.append(
            f"left = {expression.left.code(long)}\n"
            f"right = {expression.right.code(long)}\n"
            f"value = left {expression.operator} right\n"
        )
    code.append(
        "\nhexadecimal = hex(value)\n"
        "in_units = number_in_binary_units(value)\n"
        "decimal = int(value)\n"
        f'signed = cast("{long.removeprefix("unsigned ")}", value)\n'
        "octal = oct(value)\n"
        "binary = bin(value)\n"
    )
    if bits is not None:
        code.append(f"bits_set = [bit for bit in range({bits}) if value >> bit & 1]\n")
    code.print()
