"""The user's session: its names, and running code and commands in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gdb

import __main__
from drgn import Object, ObjectAbsentError, Program, StackFrame, StackTrace
from drgn.hosts.display import displayhook
from drgn.hosts.namespace import LazyGlobals

from . import convert, current
from .convert import to_gdb_value
from .threads import running

_USED_NAME = re.compile(r"([^\W\d]\w*)[.(\[]")


class Names(LazyGlobals):
    """The globals of a session: those of the standalone prompt, and GDB's state.

    ``frame`` is the selected frame each time that it is used; what the user defines
    in GDB's own Python is there too.
    """

    def __init__(self) -> None:
        super().__init__(current.current_program())
        self.update(
            gdb=gdb,
            stack_trace=stack_trace,
            from_gdb_value=from_gdb_value,
            to_gdb_value=to_gdb_value,
        )

    def __missing__(self, name: str) -> Any:
        if name == "frame":
            return selected_frame()
        try:
            return super().__missing__(name)
        except KeyError:
            return vars(__main__)[name]

    def names(self) -> set[str]:
        own = {name for name in vars(__main__) if not name.startswith("__")}
        return super().names() | own | {"frame"}


_names: Names | None = None


def names() -> Names:
    """The globals of the session, with the current program."""
    global _names
    if _names is None:
        _names = Names()
        current.follow(_names)
    else:
        current.refresh()
    return _names


def from_gdb_value(value: gdb.Value, prog: Program | None = None) -> Object:
    """The Object that one of GDB's values is; ``prog`` None is the current program.

    A value in memory becomes a reference, but for integers, enumerators and booleans.
    Raises LookupError if the program does not know its type.
    """
    if prog is None:
        prog = current.current_program()
    return convert.from_gdb_value(value, prog)


def stack_trace(thread: Any = None) -> StackTrace:
    """The stack of a thread; None is the selected one."""
    return current.current_program().stack_trace(thread)


def selected_frame() -> StackFrame:
    """The frame that is selected in GDB; LookupError if there is none."""
    try:
        selected = gdb.selected_frame()
    except gdb.error as error:
        thread = gdb.selected_thread()
        if thread is not None and thread.is_running():
            raise LookupError(running(thread)) from None
        raise LookupError(str(error).rstrip(".")) from None
    if selected.type() == gdb.TAILCALL_FRAME:
        raise LookupError(f"frame {selected.level()} ended in a jump: it is no more")
    trace = stack_trace()
    level = selected.level() - _jumps_before(selected)
    if level < len(trace) and trace[level].pc == selected.pc():
        return trace[level]
    raise LookupError(f"frame {selected.level()} is unwound in another way than by GDB")


def _jumps_before(frame: gdb.Frame) -> int:
    """How many frames GDB shows before one though tail calls have replaced them."""
    found, newer = 0, frame.newer()
    while newer is not None:
        found += newer.type() == gdb.TAILCALL_FRAME
        newer = newer.newer()
    return found


def evaluate(source: str) -> Any:
    """The value of an expression."""
    return eval(compile(source.strip(), "<drgn>", "eval", dont_inherit=True), names())


def run(source: str) -> None:
    """Run a statement, or show the value of an expression."""
    code = compile(source + "\n", "<drgn>", "single", dont_inherit=True)
    with displayed():
        exec(code, names())


def run_line(line: str) -> None:
    """Run a command of drgn's (``ps`` or ``%ps``), or Python."""
    namespace = names()
    if line.startswith("%") or is_command(line, namespace):
        from drgn.commands import run_command

        run_command(namespace["prog"], line.removeprefix("%"), globals=namespace)
    else:
        run(line)


def command_names(namespace: Names) -> list[str]:
    """The commands that the current program has."""
    from drgn.commands import DEFAULT_COMMAND_NAMESPACE

    return [name for name, _ in DEFAULT_COMMAND_NAMESPACE.enabled(namespace["prog"])]


def command_completions(text: str, word: str, namespace: Names) -> list[str]:
    """What may stand in place of ``word``, the last of a command line."""
    from drgn.commands import DEFAULT_COMMAND_NAMESPACE

    line = text.lstrip().removeprefix("%")
    # GDB's idea of a word may be a part of the last one here.
    skipped = len(line.rpartition(" ")[2]) - len(word)
    found = DEFAULT_COMMAND_NAMESPACE.complete(namespace["prog"], line)
    return [match[skipped:] for match in found]


def is_command(line: str, namespace: Names) -> bool:
    """Whether a line is a command: a name that is no variable, and no operator."""
    line = line.strip()
    name, _, rest = line.partition(" ")
    if name in namespace or rest.lstrip().startswith("="):
        return False
    first = _USED_NAME.match(line)
    if first is not None and first[1] in namespace:
        return False  # Most lines are such, and commands take long to load.
    return name in command_names(namespace)


def run_script(path: str, arguments: Sequence[str]) -> None:
    """Run a script as ``drgn PATH`` does, over the current program.

    Raises what the script raises, OSError if it cannot be read.
    """
    import os
    import types

    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    module = types.ModuleType("__main__")
    vars(module).update(
        prog=current.current_program(),
        __builtins__=__builtins__,
        __file__=path,
        __cached__=None,
    )
    current.follow(vars(module))
    old_argv, old_main = sys.argv, sys.modules["__main__"]
    directory = os.path.dirname(os.path.abspath(path))
    try:
        sys.argv = [path, *arguments]
        sys.path.insert(0, directory)
        sys.modules["__main__"] = module
        exec(code, vars(module))
    finally:
        sys.argv = old_argv
        sys.modules["__main__"] = old_main
        if directory in sys.path:
            sys.path.remove(directory)
        current.unfollow(vars(module))


@contextmanager
def displayed() -> Iterator[None]:
    """Show the values of expressions meanwhile, and add them to GDB's history."""
    old = sys.displayhook
    sys.displayhook = _display
    try:
        yield
    finally:
        sys.displayhook = old


def _display(value: Any) -> None:
    if isinstance(value, gdb.Value):
        sys.stdout.write(f"{value.format_string()}\n")
        gdb.add_history(value)
        return
    displayhook(value)
    if isinstance(value, Object):
        try:
            gdb.add_history(to_gdb_value(value))
        except (gdb.error, ValueError, LookupError, ObjectAbsentError):
            pass  # It has no value, or none that GDB could have.
