"""``print``, ``output``, ``x``, ``printf``, ``echo``, ``ptype``, ``whatis``."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import drgn
from drgn import Object

from . import printf, ptype, scalars
from .command import Entry
from .describe import Describer, print_text
from .errors import MemoryError, error
from .evaluate import evaluate
from .options import Options, options_of, split_flags
from .session import Session, current
from .strings import string_text, utf8_codes
from .types import COMPOUND
from .value import ADDRESSES, Value, number, reading

_SPEC = re.compile(r"/(-?\d{0,18})([a-zA-Z]*)\s*")
_SIZES = {"b": 1, "h": 2, "w": 4, "g": 8}
_UNITS = {1: ("unsigned char", "signed char"), 2: ("unsigned short", "short")}
_UNITS |= {4: ("unsigned int", "int"), 8: ("unsigned long", "long")}
_PER_LINE = {1: 8, 2: 8, 4: 4, 8: 2}


def _expression(session: Session, text: str) -> tuple[Value, Options]:
    """The value and the options of a line of ``print``."""
    changes, text = split_flags(text)
    letter = ""
    match = _SPEC.match(text)
    if match is not None:
        letters = match[2]
        if match[1]:
            raise error('Item count other than 1 is meaningless in "print" command.')
        if "r" in letters:
            changes["raw"] = True
            letters = letters.replace("r", "")
        for each in letters:
            if each in _SIZES:
                raise error('Size letters are meaningless in "print" command.')
            if each not in scalars.LETTERS:
                raise error(f'Undefined output format "{each}".')
            letter = each
        if letter == "i":
            raise error('Format letter "i" is meaningless in "print" command.')
        letter = letter or session.examine.printed
        session.examine.printed = letter
        text = text[match.end() :]
    options = options_of(session, **changes)
    if letter:
        options = replace(options, format=letter)
    if not text.strip():
        return session.history_value(0), options
    return evaluate(session, text), options


def print_command(arguments: str, from_tty: bool) -> None:
    """Print the value of an expression, and keep it as ``$N``."""
    session = current()
    if not arguments.strip() and not session.history:
        raise error("Show value history is empty.")
    value, options = _expression(session, arguments)
    text = print_text(session, value, options)
    session.write(f"${session.record(value)} = {text}\n")


def output_command(arguments: str, from_tty: bool) -> None:
    """Print the value of an expression alone."""
    session = current()
    if not arguments:
        raise error("Argument required (expression to compute).")
    value, options = _expression(session, arguments)
    session.write(print_text(session, value, options))


def printf_command(arguments: str, from_tty: bool) -> None:
    """Print values by a format as C's printf has it."""
    session = current()
    session.write(printf.formatted(session, arguments))


def echo_command(arguments: str, from_tty: bool) -> None:
    """Print text."""
    current().write(printf.echoed(arguments))


def eval_command(arguments: str, from_tty: bool) -> None:
    """Run what ``printf`` would print as a command."""
    from .execute import run_line

    session = current()
    run_line(session, printf.formatted(session, arguments), from_tty)


def whatis_command(arguments: str, from_tty: bool) -> None:
    """Print the type of an expression."""
    session = current()
    session.write(ptype.whatis(session, arguments or "$"))


def ptype_command(arguments: str, from_tty: bool) -> None:
    """Print the type of an expression with its members."""
    session = current()
    session.write(ptype.ptype(session, arguments))


def set_variable(arguments: str, from_tty: bool) -> None:
    """Evaluate an expression for what it assigns."""
    if not arguments:
        raise error("Argument required (expression to compute).")
    evaluate(current(), arguments)


# x


def x_command(arguments: str, from_tty: bool) -> None:
    """Print memory: x/COUNT FORMAT SIZE ADDRESS."""
    session = current()
    state = session.examine
    count, letter, size = (1 if arguments else state.count), "", 0
    match = _SPEC.match(arguments)
    if match is not None:
        count = int(match[1]) if match[1] not in ("", "-") else 1
        for each in match[2]:
            if each in _SIZES:
                size = _SIZES[each]
            elif each in scalars.LETTERS:
                letter = each
            else:
                raise error(f'Undefined output format "{each}".')
        arguments = arguments[match.end() :]
    letter = letter or state.letter
    if not size:
        size = {"a": 8, "c": 1}.get(letter, state.size)
        if letter == "f" and state.letter != "f":
            size = 8
    if arguments.strip():
        value = evaluate(session, arguments)
        obj = value._obj
        if obj.type_.unaliased_kind() in COMPOUND:
            raise error(
                "Attempt to take contents of a non-pointer value."
                if obj.address_ is None
                else "Value can't be converted to integer."
            )
        state.address = number(obj) & ADDRESSES
    if state.address is None:
        raise error("Argument required (starting display address).")
    state.letter, state.count = letter, count
    state.printed = letter
    if letter == "i":
        from .code_commands import examine

        last, state.address = examine(session, state.address, abs(count))
        session.convenience["_"] = _pointer(session, last, 1)
        return
    if letter == "s":
        _strings(session, state, count)
        return
    state.size = size
    _units(session, state, count)


def _strings(session: Session, state: Any, count: int) -> None:
    limit = session.settings["print elements"]
    most = limit if isinstance(limit, int) else 1 << 16
    for _ in range(count):
        address = state.address
        try:
            data = session.prog.read_c_string(address, max_size=most)
        except drgn.FaultError as reason:
            failure = f"<error: Cannot access memory at address {reason.address:#x}>"
            session.write(f"{session.lookups.address_text(address)}:\t{failure}\n")
            return
        more = len(data) >= most
        repeats = session.settings["print repeats"]
        text = string_text(
            utf8_codes(data),
            most,
            repeats if isinstance(repeats, int) else None,
            more,
        )
        session.write(f"{session.lookups.address_text(address)}:\t{text}\n")
        state.address = address + len(data) + (0 if more else 1)
        session.convenience["_"] = _pointer(session, address, 1)


def _pointer(session: Session, address: int, size: int) -> Value:
    prog = session.prog
    int_ = prog.int_type(f"int{size * 8}_t", size, True)
    return Value(Object(prog, prog.pointer_type(int_), address))


def _units(session: Session, state: Any, count: int) -> None:
    letter, size = state.letter, state.size
    per_line = _PER_LINE[size]
    names = _UNITS[size]
    type_ = session.c_type(names[0] if letter in "uxotza" else names[1])
    if letter == "f" and size in (4, 8):
        type_ = session.c_type("float" if size == 4 else "double")
    step = -size if count < 0 else size
    if count < 0:
        state.address += step * -count
    describer = Describer(session, options_of(session))
    for index in range(abs(count)):
        address = state.address & ADDRESSES
        if index % per_line == 0:
            session.write(f"{session.lookups.address_text(address)}:")
        try:
            with reading():
                obj = Object(session.prog, type_, address=address)
                text = scalars.formatted(obj, letter, describer.symbol, padded=True)
        except MemoryError:
            session.write("\t")
            raise
        session.write(f"\t{text}")
        if index % per_line == per_line - 1 or index == abs(count) - 1:
            session.write("\n")
        session.convenience["_"] = _pointer(session, address, size)
        session.convenience["__"] = Value(obj)
        state.address += size


def register(root: Entry) -> None:
    """Put the commands in the tree."""
    for name, run in (
        ("print", print_command),
        ("output", output_command),
        ("printf", printf_command),
        ("echo", echo_command),
        ("eval", eval_command),
        ("whatis", whatis_command),
        ("ptype", ptype_command),
        ("x", x_command),
    ):
        root.add(name, run, run.__doc__ or "")
