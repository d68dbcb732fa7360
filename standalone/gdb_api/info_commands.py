"""``info``: of symbols, addresses, lines, files and names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

import drgn
from drgn import SymbolKind
from drgn.target import unit_at

from . import stack_commands
from .command import Entry
from .demangle import demangle
from .errors import error
from .evaluate import evaluate_address
from .linespecs import places
from .places import full_name, line_at, location, symbol_of
from .session import Session, current
from .sources import length
from .symbols import lookup_function


def info_symbol(arguments: str, from_tty: bool) -> None:
    """Print the symbol that is at an address."""
    session = current()
    if not arguments:
        raise error("Argument required (address).")
    address = evaluate_address(session, arguments)
    symbol = symbol_of(session, address)
    if symbol is None or (not symbol.size and symbol.address != address):
        session.write(f"No symbol matches {arguments}.\n")
        return
    offset = address - symbol.address
    text = demangle(symbol.name) + (f" + {offset}" if offset else "")
    section = _section(session, address)
    text += f" in section {section}" if section else ""
    session.write(text + _of_file(session, address) + "\n")


def _of_file(session: Session, address: int) -> str:
    """`` of FILE`` where the program has several files."""
    if session.is_kernel():
        return ""
    try:
        module = session.prog.module(address)
    except LookupError:
        return ""
    return f" of {module.loaded_file_path or module.name}"


def _section(session: Session, address: int) -> str | None:
    from .sections import section_at

    return section_at(session, address)


def info_address(arguments: str, from_tty: bool) -> None:
    """Print where a symbol is."""
    session = current()
    name = arguments.strip()
    if not name:
        raise error("Argument required.")
    if session.has_stack() and name in session.frame().locals():
        session.write(f'Symbol "{name}" is a variable of the selected frame.\n')
        return
    value = session.variable(name)
    if value._obj.address_ is None:
        session.write(f'Symbol "{name}" is constant.\n')
        return
    kind = (
        "a function at address"
        if value._obj.type_.kind is drgn.TypeKind.FUNCTION
        else "static storage at address"
    )
    session.write(f'Symbol "{name}" is {kind} {value._obj.address_:#x}.\n')


def info_line(arguments: str, from_tty: bool) -> None:
    """Print the code of a line: of FILE:LINE, a function, *ADDRESS, or selected."""
    session = current()
    if not arguments.strip():
        if not session.has_stack():
            raise error("No line number information available.")
        arguments = f"*{_beginning(session, session.frame().pc):#x}"
    for name, _, number_, address in places(session, arguments):
        found = None if address is None else line_at(session, address)
        if found is not None:
            start, end = map(session.lookups.address_text, (found.start, found.end))
            session.write(f'Line {number_} of "{name}"')
            if found.line == number_:
                session.write(f" starts at address {start} and ends at {end}.\n")
            else:
                session.write(f" is at address {start} but contains no code.\n")
            session.examine.address = found.start
        elif address is None:
            session.write(f'Line number {number_} is out of range for "{name}".\n')
        else:
            where = session.lookups.address_text(address)
            session.write(f"No line number information available for address {where}\n")


def _beginning(session: Session, pc: int) -> int:
    """Where the code of an address's line begins in its function."""
    place, symbol = location(session, pc), symbol_of(session, pc)
    line = None if symbol is None else line_at(session, symbol.address)
    while line is not None and line.start < pc:
        if (line.filename, line.line) == place:
            return line.start
        line = line_at(session, line.end)
    return pc


def info_source(arguments: str, from_tty: bool) -> None:
    """Print the source file of the selected frame."""
    session = current()
    pc = session.frame().pc if session.has_stack() else 0
    place = location(session, pc) if session.has_stack() else None
    if place is None:
        session.write("No current source file.\n")
        return
    session.write(f"Current source file is {place[0]}\n")
    unit = unit_at(session.prog, pc)
    if unit is not None and unit.directory:
        session.write(f"Compilation directory is {unit.directory}\n")
    path = full_name(session, pc, place[0])
    if os.path.isfile(path):
        session.write(f"Located in {os.path.abspath(path)}\n")
        session.write(f"Contains {length(path)} line{'s' * (length(path) != 1)}.\n")
    cplus = session.lookups.is_cplus(pc)
    session.write(f"Source language is {'c++' if cplus else 'c'}.\n")
    if unit is None:
        return
    if unit.producer:
        session.write(f"Producer is {unit.producer}.\n")
    session.write(f"Compiled with DWARF {unit.dwarf_version} debugging format.\n")
    macros = "Includes" if unit.has_macros else "Does not include"
    session.write(f"{macros} preprocessor macro info.\n")


def info_scope(arguments: str, from_tty: bool) -> None:
    """Print the arguments of a function."""
    found = lookup_function(arguments.strip())
    if found is None:
        raise error(
            "Linespec must be the name of a function here."
            if not arguments
            else f'Function "{arguments}" not defined.'
        )
    session = current()
    names = [p.name for p in found._obj.type_.parameters if p.name]
    if not names:
        session.write(f"Scope for {arguments} contains no locals or arguments.\n")
        return
    session.write(f"Scope for {arguments}:\n")
    for name in names:
        session.write(f"Symbol {name} is an argument of the function.\n")


def info_inferiors(arguments: str, from_tty: bool) -> None:
    """Print the program."""
    from .inferiors import Inferior

    session = current()
    inferior = Inferior()
    description = f"process {inferior.pid}" if inferior.pid else "<null>"
    path = session.progspace().filename or ""
    kind = "core" if session.prog.core_dump_path is not None else "native"
    connection = f"1 ({kind})"
    session.write("  Num  Description       Connection           Executable        \n")
    session.write(f"* 1    {description:<17} {connection:<20} {path:<17} \n")


def info_files(arguments: str, from_tty: bool) -> None:
    """Print the files of the program and where they are."""
    session = current()
    for module in session.prog.modules():
        path = module.loaded_file_path or module.debug_file_path or module.name
        for start, end in module.address_ranges or ():
            session.write(f"\t{start:#018x} - {end:#018x} is {path}\n")


def info_sharedlibrary(arguments: str, from_tty: bool) -> None:
    """Print the shared libraries."""
    from .sections import text_range

    session = current()
    rows = []
    for module in session.prog.modules():
        if not isinstance(module, drgn.SharedLibraryModule):
            continue
        if arguments and not re.search(arguments, module.name):
            continue
        found = text_range(module) or module.address_range
        where = "".join(f"{each:#018x}  " for each in found) if found else " " * 40
        known = "No" if module.wants_debug_file() else "Yes"
        path = module.name
        star = " (*)" if known == "No" and module.loaded_file_path else ""
        known = "Yes" if star else known
        rows.append(f"{where}{known + star:<10}  {path}\n")
    if not rows:
        session.write("No shared libraries loaded at this time.\n")
        return
    session.write(
        "From                To                  Syms Read   Shared Object Library\n"
    )
    session.write("".join(rows))
    if any("(*)" in row for row in rows):
        session.write("(*): Shared library is missing debugging information.\n")


def _symbols(session: Session, pattern: str, kinds: Iterable[SymbolKind]) -> None:
    try:
        sought = re.compile(pattern)
    except re.error as reason:
        raise error(f"Invalid regexp ({reason}): {pattern}") from None
    wanted = set(kinds)
    found = {
        (each.address, demangle(each.name))
        for each in session.prog.symbols()
        if each.kind in wanted and sought.search(demangle(each.name))
    }
    for address, name in sorted(found):
        session.write(f"{address:#018x}  {name}\n")


def info_functions(arguments: str, from_tty: bool) -> None:
    """Print the functions whose names a regular expression matches."""
    session = current()
    session.write(_all_of("functions", arguments))
    _symbols(session, arguments, (SymbolKind.FUNC, SymbolKind.IFUNC))


def info_variables(arguments: str, from_tty: bool) -> None:
    """Print the variables whose names a regular expression matches."""
    session = current()
    session.write(_all_of("variables", arguments))
    _symbols(session, arguments, (SymbolKind.OBJECT,))


def _all_of(what: str, pattern: str) -> str:
    if not pattern:
        return f"All defined {what}:\n"
    return f'All {what} matching regular expression "{pattern}":\n'


def info_types(arguments: str, from_tty: bool) -> None:
    """Types cannot be listed: debugging information is asked for one by name."""
    raise error("Types cannot be listed here: ptype tells of one by its name.")


def info_breakpoints(arguments: str, from_tty: bool) -> None:
    """Print the breakpoints: there are none."""
    current().write("No breakpoints or watchpoints.\n")


def info_display(arguments: str, from_tty: bool) -> None:
    """Print what is displayed at each stop: there are none."""
    current().write("There are no auto-display expressions now.\n")


def info_program(arguments: str, from_tty: bool) -> None:
    """Print whether the program runs."""
    current().write("The program being debugged is not being run.\n")


def info_proc(arguments: str, from_tty: bool) -> None:
    """Print the process of a program."""
    from .inferiors import Inferior

    current().write(f"process {Inferior().pid}\n")


def _info(arguments: str, from_tty: bool) -> None:
    session = current()
    session.write("List of info subcommands:\n\n")
    children = (session.root.child("info").children or {}).items()
    for name, entry in sorted(children):
        first = entry.doc.strip().partition("\n")[0]
        session.write(f"info {name} -- {first}\n")


def register(root: Entry) -> None:
    """Put the commands in the tree."""
    info = root.add("info", _info, "Print what is known of the program.", children={})
    info.aliases.update(
        f="frame", s="stack", line="line", r="registers", b="breakpoints"
    )
    commands = {
        "symbol": info_symbol,
        "address": info_address,
        "line": info_line,
        "source": info_source,
        "scope": info_scope,
        "inferiors": info_inferiors,
        "files": info_files,
        "target": info_files,
        "sharedlibrary": info_sharedlibrary,
        "dll": info_sharedlibrary,
        "functions": info_functions,
        "variables": info_variables,
        "types": info_types,
        "breakpoints": info_breakpoints,
        "watchpoints": info_breakpoints,
        "display": info_display,
        "program": info_program,
        "proc": info_proc,
        "locals": stack_commands.info_locals,
        "args": stack_commands.info_args,
        "frame": stack_commands.info_frame,
        "stack": stack_commands.backtrace,
        "registers": stack_commands.info_registers,
        "all-registers": stack_commands.info_registers,
        "threads": stack_commands.info_threads,
    }
    for name, run in commands.items():
        root.add(f"info {name}", run, run.__doc__ or "")
