"""What one GDB session knows: the program, what is selected, variables, settings.

Everything else in this package asks :func:`current` for it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import drgn
from drgn import Object, Program, StackFrame, StackTrace

from .command import Entry
from .errors import error
from .kernel_threads import AnyThread, kernel_threads, thread_key
from .lookups import Lookups, is_inlined
from .settings import Settings

if TYPE_CHECKING:
    from .objfiles import Objfile, Progspace
    from .value import Value


class Examine:
    """How ``x`` goes on where it stopped: format, size and address."""

    def __init__(self) -> None:
        self.letter, self.size = "x", 4
        self.count = 1
        self.printed = ""
        """The format of ``print/x``, which ``print/r`` takes again."""
        self.address: int | None = None


class Listed(NamedTuple):
    """The lines that ``list`` printed, from ``first`` to before ``end``."""

    filename: str
    path: str
    """Of the file on this machine."""
    first: int
    end: int


class _Captured(io.TextIOBase):
    """A file that keeps what is written in a list."""

    def __init__(self, parts: list[str]) -> None:
        self._parts = parts

    def write(self, text: str) -> int:
        self._parts.append(text)
        return len(text)


class Session:
    """A program as a GDB session sees it."""

    def __init__(self, prog: Program) -> None:
        self.prog = prog
        self.settings = Settings()
        self.convenience: dict[str, Value] = {}
        """``$name``, without the dollar."""
        self.history: list[Value] = []
        """``$1`` is the first of them."""
        self.functions: dict[str, Any] = _functions()
        """``$name(...)``: objects with an ``invoke()``."""
        self.root: Entry = _root()
        self.parameters: dict[str, Any] = {}
        """Settings that scripts made."""
        self.pretty_printers: list[Any] = []
        self.trees: dict[str, Any] = {}
        """Expressions that were read."""
        self.hooks: dict[str, Any] = {}
        self.hooked: set[str] = set()
        self.call_depth = 0
        self.names: dict[str, Any] | None = None
        """The names of the prompt, which Python among commands sees."""
        self.missing_source = ""
        """The file that was last told to be missing."""
        self.listed: Listed | None = None
        self.lookups = Lookups(prog)
        self.examine = Examine()
        self._out: list[list[str]] = []
        self._thread: AnyThread | None = None
        self._threads: list[AnyThread] | None = None
        self._thread_known = False
        self._trace: StackTrace | None = None
        self._level = 0
        self._objfiles: dict[drgn.Module, Objfile] = {}
        self._progspace: Progspace | None = None

    # What is printed.

    def write(self, text: str) -> None:
        """Print text: to whoever captures it, or to standard output."""
        if self._out:
            self._out[-1].append(text)
        else:
            sys.stdout.write(text)

    def flush(self) -> None:
        """Have what was printed seen."""
        if not self._out:
            sys.stdout.flush()

    @contextmanager
    def capturing(self) -> Iterator[list[str]]:
        """Have what is printed meanwhile in a list of strings."""
        parts: list[str] = []
        self._out.append(parts)
        # What Python prints is captured as well.
        old, sys.stdout = sys.stdout, _Captured(parts)
        try:
            yield parts
        finally:
            sys.stdout = old
            self._out.pop()

    # Values.

    def record(self, value: Value) -> int:
        """Put a value in the history; its number there."""
        self.history.append(value)
        return len(self.history)

    def history_value(self, number: int) -> Value:
        """``$number``; from the end if it is not positive, as ``$$n`` is."""
        size = len(self.history)
        index = number if number > 0 else size + number
        if not self.history and number <= 0:
            raise error("History is empty.")
        if not 0 < index <= size:
            raise error(f"History has not yet reached ${index}.")
        return self.history[index - 1]

    # Names.

    def c_type(self, name: str) -> drgn.Type:
        """A type of C's."""
        return self.lookups.c_type(name)

    def find_type(self, name: str) -> drgn.Type | None:
        """The type that a text names; None if there is none."""
        return self.lookups.find_type(name)

    def is_variable(self, name: str) -> bool:
        """Whether a name means something that is no type."""
        frame = self._frame_or_none()
        if frame is not None and name in frame:
            return True
        return self.lookups.is_variable(name)

    def variable(self, name: str, filename: str | None = None) -> Value:
        """The variable, function or constant of a name. Raises ``gdb.error``."""
        from .value import Value

        frame = None if filename else self._frame_or_none()
        if frame is not None:
            try:
                found = frame[name]
            except KeyError:
                pass
            else:
                if not is_inlined(found):
                    return Value(found)
            try:
                this = frame["this"]
            except KeyError:
                pass
            else:
                try:
                    return Value(this.member_(name))
                except (LookupError, TypeError):
                    pass
        if frame is not None and "::" in name and not self.lookups.is_variable(name):
            function, _, local = name.rpartition("::")
            inside = self._of_function(function, local)
            if inside is not None:
                return Value(inside)
        return Value(self.lookups.variable(name, filename))

    def _of_function(self, function: str, local: str) -> Object | None:
        """``function::local``, of the next frame outwards that is of the function."""
        for frame in islice(self.trace(), self._level, None):
            if frame.function_name == function:
                try:
                    return frame[local]
                except KeyError:
                    raise error(
                        f'No symbol "{local}" in function "{function}".'
                    ) from None
        if self.lookups.is_variable(function):
            raise error(f"No frame is currently executing in block {function}.")
        return None

    def is_cplus(self) -> bool:
        """Whether names are printed as C++ has them."""
        language = self.settings["language"]
        if language in ("c", "c++"):
            return language == "c++"
        frame = self._frame_or_none()
        return self.lookups.is_cplus(None if frame is None else frame.pc)

    def _frame_or_none(self) -> StackFrame | None:
        return self.frame() if self.has_stack() else None

    # Files.

    def objfiles(self) -> list[Objfile]:
        """The program's files, the main one first."""
        from .objfiles import Objfile

        main: list[Objfile] = []
        others: list[Objfile] = []
        for module in self.prog.modules():
            found = self._objfiles.get(module)
            if found is None:
                found = self._objfiles[module] = Objfile(module)
            kind = main if isinstance(module, drgn.MainModule) else others
            kind.append(found)
        return main + others

    def progspace(self) -> Progspace:
        """The program's files together."""
        if self._progspace is None:
            from .objfiles import Progspace

            self._progspace = Progspace()
        return self._progspace

    def has_printers(self) -> bool:
        """Whether a script has pretty-printers."""
        if self.pretty_printers or (
            self._progspace and self._progspace.pretty_printers
        ):
            return True
        return any(each.pretty_printers for each in self._objfiles.values())

    def is_kernel(self) -> bool:
        """Whether the program is a Linux kernel."""
        return bool(self.prog.flags & drgn.ProgramFlags.IS_LINUX_KERNEL)

    # What is selected.

    def threads(self) -> list[AnyThread]:
        """The program's threads, in GDB's order."""
        if self._threads is None:
            if self.is_kernel():
                self._threads = list(kernel_threads(self.prog))
            else:
                self._threads = list(self.prog.threads())
        return self._threads

    def thread_number(self, thread: AnyThread) -> int:
        """Which of the threads one is, from 1."""
        for number, each in enumerate(self.threads(), 1):
            if each is thread or thread_key(each) == thread_key(thread):
                return number
        return 0

    def thread(self) -> AnyThread | None:
        """The selected thread: first that which crashed, or the first."""
        if not self._thread_known:
            self._thread_known = True
            self._thread = self._first_thread()
        return self._thread

    def _first_thread(self) -> AnyThread | None:
        try:
            crashed = self.prog.crashed_thread()
        except (ValueError, LookupError, OSError):
            crashed = None
        try:
            threads = self.threads()
        except (ValueError, LookupError, drgn.FaultError):
            return crashed
        if crashed is not None:
            for each in threads:
                if thread_key(each) == thread_key(crashed):
                    return each
            return crashed
        if not self.is_kernel():
            try:
                return self.prog.main_thread()
            except (ValueError, LookupError):
                return None
        return threads[0] if threads else None

    def select_thread(self, thread: AnyThread | None) -> None:
        """Select a thread and its innermost frame."""
        self._thread, self._thread_known = thread, True
        self._trace, self._level = None, 0

    def trace(self) -> StackTrace:
        """The stack of the selected thread."""
        if self._trace is None:
            thread = self.thread()
            if thread is None:
                raise error("No stack.")
            try:
                self._trace = thread.stack_trace()
            except (ValueError, LookupError, drgn.FaultError) as reason:
                raise error(f"No stack: {reason}") from None
        return self._trace

    def level(self) -> int:
        """Which frame of the stack is selected."""
        return self._level

    def select_level(self, level: int) -> None:
        """Select a frame of the selected thread's stack."""
        if not 0 <= level < len(self.trace()):
            raise error(f"No frame at level {level}.")
        self._level = level

    def frame(self) -> StackFrame:
        """The selected frame. Raises ``gdb.error`` if there is none."""
        trace = self.trace()
        if not trace:
            raise error("No stack.")
        return trace[self._level]

    def has_stack(self) -> bool:
        """Whether there is a frame to select."""
        try:
            return len(self.trace()) > 0
        except error:
            return False


_current: Session | None = None


def _functions() -> dict[str, Any]:
    from .convenience import functions

    return functions()


def _root() -> Entry:
    from .builtin import commands

    return commands()


def current() -> Session:
    """The session of the default program; a new one if that is another now."""
    global _current
    prog = drgn.get_default_prog()
    if _current is None or _current.prog is not prog:
        _current = Session(prog)
    return _current
