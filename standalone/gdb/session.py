"""A session with a GDB outside: its current Program, and lines of GDB's own."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any
from weakref import WeakSet

from drgn import Program
from drgn.hosts.gdb_process import add_directories
from drgn.hosts.namespace import tell_current
from drgn.target import load_later, program_from_target

from .control import ControlledTarget, Run
from .kernel import open_target
from .mi import Gdb, GdbError, GdbLost, Record

# Lines after which GDB may have other files, of which it tells in no other way.
_ADDING = re.compile(r"\s*(add-sym|source)")
_REPLACING = re.compile(r"\s*(remove-sym|symbol-file)")

# What was loaded of a library stays in a Program when the library goes.
_RENEWED = ("thread-group-started", "thread-group-exited", "library-unloaded")


class GdbSession:
    """A GDB, and the Program of what it debugs.

    ``prog`` is another one when the inferior starts, ends, runs another executable or
    unloads a library.
    """

    def __init__(self, arguments: Sequence[str], quiet: bool = False) -> None:
        """Start GDB. Raises OSError if there is none, GdbLost if it ends at once."""
        self._namespaces: list[dict[str, Any]] = []
        self._programs: WeakSet[Program] = WeakSet()
        self._renew = False
        self._run = Run(self._current)
        self.gdb = Gdb(arguments, quiet)
        self._target, self.prog = self._open()
        self.gdb.notice = self._heard

    def _heard(self, record: Record) -> None:
        self._target.heard(record)
        if record.message in _RENEWED:
            self._renew = True
        elif record.message == "library-loaded" or (
            record.message == "stopped" and self._target.loads_files
        ):
            load_later(self.prog, partial(self._load, self._target, self.prog))

    def _open(self) -> tuple[ControlledTarget, Program]:
        self._renew = False
        target = open_target(self.gdb)
        prog = program_from_target(target)
        self._programs.add(prog)
        target.prog = prog
        target.run = self._run
        given = target.text("show debug-file-directory").partition('"')[2]
        directories = given.rpartition('"')[0].split(os.pathsep)
        add_directories(target, prog, directories)
        load_later(prog, partial(self._load, target, prog))
        return target, prog

    def _load(self, target: ControlledTarget, prog: Program) -> None:
        target.load(prog)

    # The user's names.

    def follow(self, names: dict[str, Any]) -> dict[str, Any]:
        """Let ``prog`` in a namespace be the current program, and ``gdb()`` there."""
        self._namespaces.append(names)
        names["gdb"] = self.execute
        self._tell()
        return names

    def refresh(self) -> None:
        """Take notice of what happened in GDB, and tell all namespaces."""
        try:
            self.gdb.poll()
            if self._renew or not self._target.is_current():
                old = self._target
                self._target, self.prog = self._open()
                if old.group_id != self._target.group_id:
                    old.leave()
        except (GdbLost, GdbError):
            return  # Whoever asks it something is told.
        self._tell()

    def _tell(self) -> None:
        tell_current(self._namespaces, self.prog, self._programs)

    def _current(self) -> Program:
        """The program after it has run."""
        self.refresh()
        return self.prog

    # GDB's own lines.

    def execute(self, line: str) -> None:
        """Give GDB a line, print what it says, and wait until the program stops."""
        self._run.stopped, self._run.has_run = None, False
        try:
            text = self.gdb.console(line)
        except GdbError as error:
            self.refresh()  # It may have ended the program before it failed.
            raise ValueError(str(error)) from None
        print(text, end="")
        self.gdb.poll()
        if _REPLACING.match(line):
            # What was loaded of a file stays in a Program when the file goes.
            self._renew = True
        elif _ADDING.match(line):
            self._target.files_changed()
            load_later(self.prog, partial(self._load, self._target, self.prog))
        # It may have stopped already.
        if self._target.running or self._run.has_run:
            self._target.wait()
            if not self._target.ended:
                print(self._target.text("frame"), end="")
        self.refresh()

    def close(self) -> None:
        """End GDB."""
        self.gdb.close()


class Prompt:
    """The prompt's text, before which is seen what happened in GDB."""

    def __init__(self, session: GdbSession, text: str) -> None:
        self._session = session
        self._text = text

    def __str__(self) -> str:
        self._session.refresh()
        return self._text


def run_prompt(session: GdbSession) -> None:
    """Run the prompt on what GDB debugs until the user leaves it."""
    from ..prompt import run_interactive

    old = getattr(sys, "ps1", None)
    sys.ps1 = Prompt(session, ">>> ")
    try:
        run_interactive(session.prog, globals_func=session.follow)
    finally:
        if old is None:
            del sys.ps1
        else:
            sys.ps1 = old
