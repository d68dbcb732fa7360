"""Random C expressions: gcc's types and values must be ours."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from drgn import Architecture, Object, Platform, Program, cast

COUNT = 1200
TYPES = [
    "char",
    "signed char",
    "unsigned char",
    "short",
    "unsigned short",
    "int",
    "unsigned int",
    "long",
    "unsigned long",
    "long long",
    "unsigned long long",
    "_Bool",
    "float",
    "double",
]
FLOATS = ("float", "double")
# Bit fields, as gcc's own extension makes them of any integer type.
BIT_FIELDS = [
    (type, bits)
    for type in ("int", "unsigned int", "long", "unsigned long", "_Bool")
    for bits in (1, 3, 31, 32, 33, 47, 63)
    if bits <= {"_Bool": 1, "int": 32, "unsigned int": 32}.get(type, 63)
]
ARITHMETIC = ["+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^"]
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]


class Undefined(Exception):
    """The C standard leaves the expression undefined."""


class Generator:
    """Makes expressions as C text together with our Objects."""

    def __init__(self, prog: Program, seed: int) -> None:
        self.prog = prog
        self.random = random.Random(seed)
        self.declarations: list[str] = []

    def leaf(self) -> tuple[str, Object]:
        """A variable, a bit field, or a literal."""
        kind = self.random.random()
        if kind < 0.15:
            value = self.random.choice([0, 1, 2, 7, 2**31 - 1, 2**31, 2**40])
            return f"{value}L" if value >= 2**31 else str(value), Object(
                self.prog, value=value
            )
        name = f"v{len(self.declarations)}"
        if kind < 0.3:
            type, bits = self.random.choice(BIT_FIELDS)
            obj = Object(self.prog, type, self.integer(), bit_field_size=bits)
            self.declarations.append(
                f"static struct {{ {type} f : {bits}; }} {name} = {{ {literal(obj)} }};"
            )
            return f"{name}.f", obj
        type = self.random.choice(TYPES)
        if type in FLOATS:
            obj = Object(self.prog, type, self.random.choice([0.5, -1.5, 3e9, 0.1, 7]))
        elif type == "_Bool":
            obj = Object(self.prog, type, self.random.randrange(2))
        else:
            obj = Object(self.prog, type, self.integer())
        self.declarations.append(f"static {type} {name} = {literal(obj)};")
        return name, obj

    def integer(self) -> int:
        """A small, a large, or an extreme integer."""
        return self.random.choice(
            [
                self.random.randrange(-8, 40),
                self.random.randrange(-(2**31), 2**31),
                self.random.randrange(-(2**63), 2**63),
                self.random.choice([2**31, 2**31 - 1, 2**63, 2**64 - 1, 2**32]),
            ]
        )

    def expression(self, depth: int) -> tuple[str, Object]:
        """An expression with a value that C defines."""
        if depth == 0:
            return self.leaf()
        kind = self.random.random()
        if kind < 0.15:
            op = self.random.choice("+-~")
            text, obj = self.expression(depth - 1)
            if op == "~" and is_float(obj):
                raise Undefined
            result = {"+": obj.__pos__, "-": obj.__neg__, "~": obj.__invert__}[op]()
            return f"({op}{text})", result
        if kind < 0.3:
            type = self.random.choice(TYPES)
            text, obj = self.expression(depth - 1)
            if is_float(obj) and type not in FLOATS and abs(obj.value_()) >= 128:
                raise Undefined
            if is_float(obj) and type.startswith("unsigned") and obj < 0:
                raise Undefined
            return f"(({type}){text})", cast(type, obj)
        op = self.random.choice(ARITHMETIC)
        left, lobj = self.expression(depth - 1)
        right, robj = self.expression(depth - 1)
        if op not in "+-*/" and (is_float(lobj) or is_float(robj)):
            raise Undefined
        if op in "/%":
            common = lobj * robj
            if robj == 0 or cast(common.type_, robj).value_() in (0, -1):
                raise Undefined
        if op in ("<<", ">>"):
            # A shift of all bits is undefined in C; ours gives 0 or -1.
            width = (+lobj).bit_field_size_ or 8 * len((+lobj).to_bytes_())
            if not 0 <= robj.value_() < width:
                raise Undefined
        return f"({left} {op} {right})", apply(op, lobj, robj)


def literal(obj: Object) -> str:
    """A C literal for the value of a leaf."""
    value = obj.value_()
    if isinstance(value, float):
        return repr(value)
    if value < 0:
        return f"({value + 1}LL - 1)"
    return f"{int(value)}ULL"


def is_float(obj: Object) -> bool:
    """Whether an object is of a floating-point type."""
    return isinstance(obj.value_(), float)


def apply(op: str, left: Object, right: Object) -> Object:
    """The result of a binary operator."""
    functions: dict[str, Callable[[], Object]] = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right,
        "%": lambda: left % right,
        "<<": lambda: left << right,
        ">>": lambda: left >> right,
        "&": lambda: left & right,
        "|": lambda: left | right,
        "^": lambda: left ^ right,
    }
    return functions[op]()


def compare(op: str, left: Object, right: Object) -> bool:
    """The result of a comparison."""
    functions: dict[str, Callable[[], bool]] = {
        "==": lambda: left == right,
        "!=": lambda: left != right,
        "<": lambda: left < right,
        "<=": lambda: left <= right,
        ">": lambda: left > right,
        ">=": lambda: left >= right,
    }
    return functions[op]()


def shown(obj: Object) -> str:
    """The type and value as the C program prints them."""
    value = obj.value_()
    name = obj.type_.type_name()
    if isinstance(value, float):
        return f"{name} {value.hex()}"
    if obj.bit_field_size_ is not None:
        # C has no name for the type of a wide bit field.
        return f"bits {int(value)}"
    return f"{name} {int(value)}"


PROGRAM = r"""
#include <stdio.h>
#define NAME(x) _Generic((x), char: "char", signed char: "signed char", \
    unsigned char: "unsigned char", short: "short", \
    unsigned short: "unsigned short", int: "int", unsigned int: "unsigned int", \
    long: "long", unsigned long: "unsigned long", long long: "long long", \
    unsigned long long: "unsigned long long", _Bool: "_Bool", float: "float", \
    double: "double", default: "bits")
#define FLOATING(x) printf("%s %.13a\n", NAME(x), (double)(x))
#define SIGNED(x) printf("%s %lld\n", NAME(x), (long long)(x))
#define UNSIGNED(x) printf("%s %llu\n", NAME(x), (unsigned long long)(x))
#define BITS_SIGNED(x) printf("bits %lld\n", (long long)(x))
#define BITS_UNSIGNED(x) printf("bits %llu\n", (unsigned long long)(x))
"""


def macro(obj: Object) -> str:
    """The macro that prints an expression of the type of ``obj``."""
    value = obj.value_()
    if isinstance(value, float):
        return "FLOATING"
    type = obj.type_
    signed = type.name != "_Bool" and type.is_signed
    bits = "" if obj.bit_field_size_ is None else "BITS_"
    return f"{bits}{'SIGNED' if signed else 'UNSIGNED'}"


def normal(line: str) -> str:
    """A line of output with floating-point numbers in one spelling."""
    name, _, value = line.rpartition(" ")
    if name in FLOATS:
        return f"{name} {float.fromhex(value).hex()}"
    return line


def test_random_expressions(compile_c: Callable[..., Path]) -> None:
    prog = Program(Platform(Architecture.X86_64))
    generator = Generator(prog, 20240607)
    statements: list[str] = []
    expected: list[str] = []
    texts: list[str] = []
    while len(expected) < COUNT:
        before = len(generator.declarations)
        try:
            text, obj = generator.expression(generator.random.choice([1, 2, 2, 3]))
            if generator.random.random() < 0.2:
                other, right = generator.expression(1)
                op = generator.random.choice(COMPARISONS)
                text = f"({text} {op} {other})"
                obj = Object(prog, "int", compare(op, obj, right))
        except Undefined:
            del generator.declarations[before:]
            continue
        # An expression that is a bit field has no address for _Generic.
        statements.append(f"{macro(obj)}({text});")
        expected.append(shown(obj))
        texts.append(text)
    source = "\n".join(
        [PROGRAM, *generator.declarations, "int main(void) {", *statements, "}"]
    )
    program = compile_c(source, "-w", "-O0", "-fwrapv", "-std=gnu11")
    output = subprocess.run([program], check=True, capture_output=True, text=True)
    lines = [normal(line) for line in output.stdout.splitlines()]
    wrong = [
        (text, ours, theirs)
        for text, ours, theirs in zip(texts, expected, lines, strict=True)
        if ours != theirs
    ]
    assert not wrong


@pytest.mark.parametrize("seed", range(4))
def test_generator_is_not_trivial(seed: int) -> None:
    generator = Generator(Program(Platform(Architecture.X86_64)), seed)
    names = set()
    for _ in range(300):
        try:
            names.add(generator.expression(2)[1].type_.type_name())
        except Undefined:
            pass
    assert {"int", "unsigned int", "long", "unsigned long", "double"} <= names
