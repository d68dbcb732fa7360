"""``set``, ``show``, ``source``, ``python``, ``help``, ``list`` and such."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from .command import Entry, find
from .data_commands import set_variable
from .errors import error
from .lookups import Lookups
from .parameter import parse_boolean, parse_integer, shown
from .session import Session, current
from .settings import INTEGERS

_ASSIGNMENT = re.compile(r"(?!\s)[^=]*?(?:[-+*/%&|^]|<<|>>)?=(?!=)")
_MAX_SCRIPT = 1 << 26


# Settings.


def set_command(arguments: str, from_tty: bool) -> None:
    """Set a setting, or evaluate an expression: set print pretty on, set $x = 1."""
    session = current()
    if not arguments:
        raise error("Argument required (expression to compute).")
    if arguments.startswith("$"):
        set_variable(arguments, from_tty)
        return
    word, _, rest = arguments.partition(" ")
    if word in ("var", "variable") or (len(word) >= 3 and "variable".startswith(word)):
        set_variable(rest.strip(), from_tty)
        return
    if _set_parameter(session, arguments):
        return
    found, value = _split_setting(session, arguments)
    if found is not None:
        _assign(session, found, value)
        return
    if _ASSIGNMENT.match(arguments):
        set_variable(arguments, from_tty)
        return
    if not re.match(r"[A-Za-z][\w-]*( |$)", arguments):
        set_variable(arguments, from_tty)
        return
    # Others mean nothing here, but a script may read them again.
    name, _, value = arguments.rpartition(" ")
    if name:
        session.settings[name] = value
    else:
        session.settings[arguments] = True


def _set_parameter(session: Session, arguments: str) -> bool:
    for name, parameter in session.parameters.items():
        if arguments == name or arguments.startswith(name + " "):
            text = parameter.assign(arguments[len(name) :])
            if text:
                session.write(text + "\n")
            return True
    return False


def _split_setting(session: Session, text: str) -> tuple[str | None, str]:
    words = text.split()
    for count in (3, 2, 1):
        if count <= len(words):
            found = session.settings.whole_name(" ".join(words[:count]))
            if found is not None:
                return found, " ".join(words[count:])
    return None, ""


def _assign(session: Session, name: str, text: str) -> None:
    old = session.settings[name]
    if name in INTEGERS:
        value = parse_integer(text)
        if value is not None and value < 0:
            value = _unlimited(name, value)
        session.settings[name] = value if value or name == "listsize" else None
    elif isinstance(old, bool):
        session.settings[name] = bool(parse_boolean(text))
    else:
        session.settings[name] = text


def _unlimited(name: str, value: int) -> int | None:
    """What a number below 0 means: -1 of some settings is "unlimited"."""
    if name not in ("listsize", "print max-depth"):
        raise error(f"integer {value} out of range")
    if value != -1:
        raise error("only -1 is allowed to set as unlimited")
    return None


_DOCS = {
    "confirm": "Whether to confirm potentially dangerous operations is {}.",
    "disassembly-flavor": 'The disassembly flavor is "{}".',
    "height": "Number of lines gdb thinks are in a page is {}.",
    "listsize": "Number of source lines gdb will list by default is {}.",
    "pagination": "State of pagination is {}.",
    "print address": "Printing of addresses is {}.",
    "print array": "Pretty formatting of arrays is {}.",
    "print array-indexes": "Printing of array indexes is {}.",
    "print elements": "Limit on string chars or array elements to print is {}.",
    "print max-depth": "Maximum print depth is {}.",
    "print object": "Printing of object's derived type is {}.",
    "print pretty": "Pretty formatting of structures is {}.",
    "print repeats": "Threshold for repeated print elements is {}.",
    "print static-members": "Printing of C++ static members is {}.",
    "print symbol": "Printing of symbol names when printing pointers is {}.",
    "print type hex": (
        "Display of struct members offsets and sizes in hexadecimal is {}"
    ),
    "print union": "Printing of unions interior to structures is {}.",
    "verbose": "Verbosity is {}.",
    "width": "Number of characters gdb thinks are in a line is {}.",
}


def show_command(arguments: str, from_tty: bool) -> None:
    """Print a setting."""
    session = current()
    text = arguments.strip()
    special = _SHOWN.get(text)
    if special is not None:
        session.write(special(session))
        return
    if text in session.parameters:
        session.write(session.parameters[text].show())
        return
    if text.startswith(("convenience", "conv")):
        _show_convenience(session)
        return
    name = session.settings.whole_name(text)
    if name is None:
        raise error(f'Undefined show command: "{text}".  Try "help show".')
    value = shown(session.settings[name])
    doc = _DOCS.get(name, f"The current value of '{name}' is \"{{}}\".")
    session.write(doc.format(value) + "\n")


def _endian(session: Session) -> str:
    from .value import byteorder

    kind = byteorder(session.prog)
    return f"The target endianness is set automatically (currently {kind} endian).\n"


def _architecture(session: Session) -> str:
    from .inferiors import Architecture

    name = Architecture().name()
    return f'The target architecture is set to "auto" (currently "{name}").\n'


def _version(session: Session) -> str:
    from drgn.version import DISTRIBUTION

    return f"GNU gdb's commands by pydrgn {DISTRIBUTION}, without GDB\n"


def _language(session: Session) -> str:
    kind = "c++" if session.is_cplus() else "c"
    if session.settings["language"] == "auto":
        return f'The current source language is "auto; currently {kind}".\n'
    return f'The current source language is "{kind}".\n'


def _args(session: Session) -> str:
    return 'Argument list to give program being debugged when it is started is "".\n'


_SHOWN = {
    "endian": _endian,
    "architecture": _architecture,
    "arch": _architecture,
    "version": _version,
    "language": _language,
    "args": _args,
}


def _show_convenience(session: Session) -> None:
    from .describe import print_text
    from .options import options_of

    options = options_of(session)
    for name, value in reversed(session.convenience.items()):
        session.write(f"${name} = {print_text(session, value, options)}\n")


# Files and Python.


def source_command(arguments: str, from_tty: bool) -> None:
    """Run a file of commands, or of Python if its name ends in .py."""
    words = [word for word in arguments.split() if word not in ("-v", "-s")]
    if not words:
        raise error("source command requires file name of file to source.")
    source_file(os.path.expanduser(" ".join(words)))


def source_file(path: str) -> None:
    """Run a file of commands or of Python. Raises ``gdb.error``."""
    from . import scripts

    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(_MAX_SCRIPT)
    except OSError as reason:
        raise error(f"{path}: {reason.strerror}.") from None
    if path.endswith(".py"):
        run_python_file(path, text)
        return
    scripts.run_file(path, text)


def run_python_file(path: str, text: str) -> None:
    """Run a file of Python as GDB does: in ``__main__``, with ``__file__`` set."""
    from . import scripts

    names = scripts.python_names()
    old = names.get("__file__")
    names["__file__"] = path
    try:
        exec(compile(text, path, "exec", dont_inherit=True), names)
    except Exception as reason:
        raise scripts.python_error(reason, "while executing Python code") from None
    finally:
        if old is None:
            names.pop("__file__", None)
        else:
            names["__file__"] = old


def python_command(arguments: str, from_tty: bool) -> None:
    """Run a line of Python, in which ``gdb`` is there."""
    from . import scripts

    scripts.run_python(current(), arguments + "\n")


def python_interactive(arguments: str, from_tty: bool) -> None:
    """Run a line of Python, and print its value."""
    from . import scripts

    names = scripts.python_names()
    try:
        exec(compile(arguments + "\n", "<string>", "single", dont_inherit=True), names)
    except Exception as reason:
        raise scripts.python_error(reason, "while executing Python code") from None


def shell_command(arguments: str, from_tty: bool) -> None:
    """Run a command of the shell."""
    import subprocess

    current().flush()
    sys.stdout.flush()
    subprocess.run(arguments, shell=True, check=False)


def pipe_command(arguments: str, from_tty: bool) -> None:
    """Give what a command prints to the shell: pipe COMMAND | SHELL COMMAND."""
    import subprocess

    from .execute import execute

    line, mark, shell = arguments.partition("|")
    if not mark or not shell.strip():
        raise error("Missing COMMAND or delimiter | in pipe command")
    text = execute(line.strip(), from_tty, True) or ""
    current().flush()
    sys.stdout.flush()
    subprocess.run(shell, shell=True, check=False, input=text.encode())


def help_command(arguments: str, from_tty: bool) -> None:
    """Print what a command does; without one, which there are."""
    session = current()
    if not arguments:
        session.write("List of commands:\n\n")
        _list(session, session.root)
        return
    entry, rest = find(session.root, arguments)
    if rest:
        raise error(
            f'Undefined {entry.name} command: "{rest}".  Try "help {entry.name}".'
        )
    session.write(entry.doc.strip("\n") + "\n")
    if entry.children:
        session.write(f"\nList of {entry.name} subcommands:\n\n")
        _list(session, entry)


def _list(session: Session, entry: Entry) -> None:
    for _, each in sorted((entry.children or {}).items()):
        session.write(f"{each.name} -- {_summary(each)}\n")


def _summary(entry: Entry) -> str:
    return entry.doc.strip().partition("\n")[0]


def apropos(arguments: str, from_tty: bool) -> None:
    """Print the commands whose names or help a regular expression matches."""
    session = current()
    if not arguments:
        raise error("REGEXP string is empty")
    try:
        sought = re.compile(arguments.removeprefix("-v ").strip(), re.IGNORECASE)
    except re.error as reason:
        raise error(f"Error in regular expression: {reason}") from None
    entries = [session.root]
    while entries:
        entry = entries.pop()
        if entry.name and (sought.search(entry.name) or sought.search(entry.doc)):
            session.write(f"{entry.name} -- {_summary(entry)}\n")
        children = sorted((entry.children or {}).items(), reverse=True)
        entries += [child for _, child in children]


def with_command(arguments: str, from_tty: bool) -> None:
    """Run a command with a setting: with SETTING VALUE -- COMMAND."""
    from .execute import run_line

    session = current()
    setting, mark, line = arguments.partition("--")
    if not mark:
        raise error("Missing arguments.")
    name, value = _split_setting(session, setting.strip())
    if name is None:
        raise error(f'Undefined set command: "{setting.strip()}".  Try "help set".')
    old = session.settings[name]
    _assign(session, name, value)
    try:
        run_line(session, line.strip(), from_tty)
    finally:
        session.settings[name] = old


def nothing(arguments: str, from_tty: bool) -> None:
    """Means nothing here."""


def symbol_file(arguments: str, from_tty: bool) -> None:
    """Take debugging information of a file; it stays where it is none."""
    session = current()
    words = [word for word in arguments.split() if not word.startswith("-")]
    if not words:
        return
    _load(session, words[0])


def add_symbol_file(arguments: str, from_tty: bool) -> None:
    """Take debugging information of a file, as of a kernel module."""
    session = current()
    words = arguments.split()
    if not words:
        raise error("add-symbol-file takes a file name and an address")
    session.write(f'add symbol table from file "{words[0]}"\n')
    _load(session, words[0])


def _load(session: Session, path: str) -> None:
    import drgn

    from . import events

    if not os.path.exists(path):
        raise error(f"{path}: No such file or directory.")
    try:
        session.prog.load_debug_info([path])
    except (drgn.MissingDebugInfoError, OSError, ValueError) as reason:
        raise error(str(reason)) from None
    session.lookups = Lookups(session.prog)
    session.trees.clear()
    events.new_objfile.emit(_NewObjfile(session))


class _NewObjfile:
    """The event that there is a new file of symbols."""

    def __init__(self, session: Session) -> None:
        found = session.objfiles()
        self.new_objfile: Any = found[-1] if found else None


def monitor(arguments: str, from_tty: bool) -> None:
    """Ask the target: there is nobody to ask, but for what a kernel runs on."""
    if arguments == "info version" and current().is_kernel():
        # By an answer scripts know that thread N is what CPU N-1 runs.
        current().write("pydrgn\n")
        return
    raise error('"monitor" command not supported by this target.')


def target(arguments: str, from_tty: bool) -> None:
    """What the program is, drgn's command line says."""
    raise error("The program is given on drgn's command line: -c DUMP or -p PID.")


def quit_command(arguments: str, from_tty: bool) -> None:
    """Leave."""
    from .evaluate import evaluate

    raise SystemExit(int(evaluate(current(), arguments)) if arguments else 0)


def register(root: Entry) -> None:
    """Put the commands in the tree."""
    commands = {
        "set": set_command,
        "show": show_command,
        "source": source_command,
        "python": python_command,
        "python-interactive": python_interactive,
        "pi": python_interactive,
        "shell": shell_command,
        "pipe": pipe_command,
        "help": help_command,
        "apropos": apropos,
        "with": with_command,
        "symbol-file": symbol_file,
        "add-symbol-file": add_symbol_file,
        "monitor": monitor,
        "target": target,
        "quit": quit_command,
        "exit": quit_command,
        "dont-repeat": nothing,
        "directory": nothing,
        "add-auto-load-safe-path": nothing,
        "alias": alias,
        "core-file": target,
        "file": symbol_file,
    }
    for name, run in commands.items():
        root.add(name, run, run.__doc__ or "")


def alias(arguments: str, from_tty: bool) -> None:
    """Make another name of a command: alias NAME = COMMAND."""
    session = current()
    words = [word for word in arguments.split() if word not in ("-a", "--")]
    text = " ".join(words)
    name, mark, line = (part.strip() for part in text.partition("="))
    if not mark or not name or not line:
        raise error("Usage: alias [-a] [--] ALIAS = COMMAND [DEFAULT-ARGS...]")
    entry, defaults = find(session.root, line)
    if entry.run is None and entry.children is None:
        raise error(f"Invalid command to alias to: {line}")

    def run(more: str, tty: bool) -> None:
        from .execute import run_line

        run_line(session, f"{entry.name} {defaults} {more}", tty)

    session.root.add(name, run, entry.doc)
