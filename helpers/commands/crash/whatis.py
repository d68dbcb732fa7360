"""``whatis``: how a type or a variable is declared."""

from __future__ import annotations

import argparse
from typing import Any

from drgn import Object, Program, Type, sizeof
from drgn.commands import CommandError, argument, drgn_argument

from ._code import CrashCodeBuilder
from ._define import crash_command


@crash_command(
    description="show the declaration of a type, a variable or a function",
    arguments=(
        drgn_argument,
        argument(
            "name",
            nargs="+",
            help="name of a type, with or without its keyword, or of a symbol",
        ),
    ),
)
def _crash_cmd_whatis(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    words = " ".join(args.name)
    found = find_declaration(prog, words)
    if args.drgn:
        _print_code(prog, words, found)
        return
    if isinstance(found, Object):
        print(f"{found.type_.variable_declaration(words)};")
        return
    print(f"{found};")
    try:
        print(f"SIZE: {sizeof(found)}")
    except TypeError:
        pass  # It has none, as void.


def find_declaration(prog: Program, name: str) -> Type | Object:
    """The type of a name, or the variable, function or enumerator.

    Raises CommandError if there is none.
    """
    for keyword in ("struct ", "union ", "enum ", "class ", ""):
        try:
            return prog.type(keyword + name)
        except (LookupError, SyntaxError):
            continue
    try:
        return prog[name]
    except LookupError:
        raise CommandError(f"unknown type or symbol: {name}") from None


def _print_code(prog: Program, name: str, found: Type | Object) -> None:
    code = CrashCodeBuilder(prog)
    if isinstance(found, Object):
        code.append(f'type = prog["{name}"].type_\n')
    else:
        code.add_from_import("drgn", "sizeof")
        code.append(f'type = prog.type("{found.type_name()}")\n')
        try:
            sizeof(found)
        except TypeError:
            pass
        else:
            code.append("size = sizeof(type)\n")
    code.print()
