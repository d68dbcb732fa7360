"""``p``: the value of an object or of a part of it."""

from __future__ import annotations

import argparse
import re
from typing import Any, NamedTuple

from drgn import Object, Program
from drgn.commands import CommandArgumentError, argument, drgn_argument
from drgn.helpers.linux.percpu import per_cpu

from ._code import CrashCodeBuilder
from ._cpuspec import Cpuspec, parse_cpuspec
from ._define import crash_command, radix_arguments
from ._output import format_options

_PART = re.compile(r"(\.|->)([A-Za-z_]\w*)|\[(\d+|0[xX][0-9a-fA-F]+)\]")
_NAME = re.compile(r"([*&]*)([A-Za-z_]\w*(?:::\w+)*)")


class Designator(NamedTuple):
    """A name, what leads from it to a part, and the operators before it."""

    operators: str
    name: str
    parts: tuple[tuple[str, str], ...]
    """(".", member), ("->", member) and ("[", index)."""

    def find(self, prog: Program, cpu: int | None = None) -> Object:
        """The object, that of a CPU if one is given. Raises LookupError and TypeError.

        A pointer on the way is the CPU's own: the variable is taken before its parts.
        """
        object = prog[self.name]
        if cpu is not None:
            object = per_cpu(object, cpu)
        for kind, what in self.parts:
            if kind == "[":
                object = object[int(what)]
            else:
                object = object.member_(what)
        for operator in reversed(self.operators):
            object = object[0] if operator == "*" else object.address_of_()
        return object

    def variable_code(self) -> str:
        """An expression of what the name is of."""
        return f'prog["{self.name}"]'

    def code(self, variable: str) -> str:
        """An expression of the object, from one of what the name is of."""
        text = variable
        for kind, what in self.parts:
            text += f"[{what}]" if kind == "[" else f".{what}"
        for operator in reversed(self.operators):
            text += "[0]" if operator == "*" else ".address_of_()"
        return text


def parse_designator(text: str) -> Designator:
    """Parse ``name.member[1]->member``. Raises CommandArgumentError."""
    name = _NAME.match(text)
    position = name.end() if name is not None else 0
    parts: list[tuple[str, str]] = []
    while match := _PART.match(text, position):
        index = match[3]
        parts.append(
            (match[1], match[2]) if index is None else ("[", str(int(index, 0)))
        )
        position = match.end()
    if name is None or position != len(text):
        raise CommandArgumentError(f"p: error: not an object: {text!r}")
    return Designator(name[1], name[2], tuple(parts))


@crash_command(
    description="print the value of an object",
    arguments=(
        *radix_arguments,
        drgn_argument,
        argument(
            "object",
            metavar="object[:cpuspec]",
            help="name of a variable, function or enumerator; members, also through"
            " pointers, subscripts, and * and & before it are understood, other"
            " expressions are not."
            " For a per-CPU variable, a colon and CPUs may follow: numbers and ranges"
            " with commas between, ``a`` for all possible CPUs, nothing for that of the"
            " context",
        ),
    ),
)
def _crash_cmd_p(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    # A C++ name has double colons.
    match = re.fullmatch(r"(.*?)(?<!:):(?!:)(.*)", args.object)
    text = match[1] if match is not None else args.object
    cpus = parse_cpuspec(match[2]) if match is not None else None
    designator = parse_designator(text)
    if args.drgn:
        _print_code(prog, designator, cpus)
        return
    options = format_options(prog, args.integer_base)
    if cpus is None:
        print(f"{text} = {designator.find(prog).format_(**options)}")
        return
    for cpu in cpus.resolve(prog):
        object = designator.find(prog, cpu)
        print(f"per_cpu({text}, {cpu}) = {object.format_(**options)}")


def _print_code(prog: Program, designator: Designator, cpus: Cpuspec | None) -> None:
    code = CrashCodeBuilder(prog)
    variable = designator.variable_code()
    if cpus is None:
        code.append(f"object = {designator.code(variable)}\n")
    else:
        code.add_from_import("drgn.helpers.linux.percpu", "per_cpu")
        code.append(f"variable = {variable}\n")
        with code.begin_cpus(cpus):
            code.append(f"object = {designator.code('per_cpu(variable, cpu)')}\n")
    code.print()
