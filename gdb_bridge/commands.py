"""GDB's commands and function: ``drgn``, ``drgn-script``, ``$drgn()`` and more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gdb


class DrgnCommand(gdb.Command):  # type: ignore[misc]
    """Look at the program with drgn.

    Usage: drgn
           drgn STATEMENT
           drgn COMMAND [ARGUMENT]...

    Without an argument, a Python prompt. With one, the value of a Python expression
    is shown, another statement or a command of drgn (as "sh" or "%sh") is run. There
    is "prog", the program that GDB debugs, and "frame", the selected frame.

    "drgn help" lists the commands that the program has, "drgn help COMMAND" says how
    one is used."""

    def __init__(self) -> None:
        super().__init__("drgn", gdb.COMMAND_DATA)

    def invoke(self, arguments: str, from_tty: bool) -> None:
        with _errors(), _no_pagination():
            if arguments.strip().startswith("#"):
                return
            if arguments.strip():
                from .session import run_line

                run_line(arguments.strip())
            else:
                from .prompt import interact

                interact()

    def complete(self, text: str, word: str | None) -> Sequence[str]:
        if word is None:  # Newer GDB asks first where words begin: as it thinks.
            return []
        from .prompt import completions

        with _errors():
            return completions(text, word)


class DrgnScriptCommand(gdb.Command):  # type: ignore[misc]
    """Run a script of drgn over the program that GDB debugs.

    Usage: drgn-script FILE [ARGUMENT]...

    The script has "prog" and sys.argv as if it were run by "drgn FILE"."""

    def __init__(self) -> None:
        super().__init__("drgn-script", gdb.COMMAND_DATA, gdb.COMPLETE_FILENAME)

    def invoke(self, arguments: str, from_tty: bool) -> None:
        import os

        words = gdb.string_to_argv(arguments)
        if not words:
            raise gdb.GdbError("drgn-script: which file?")
        from .session import run_script

        path = os.path.expanduser(words[0])
        with _errors(traceback_from=path), _no_pagination():
            run_script(path, words[1:])


class DrgnSymbolsCommand(gdb.Command):  # type: ignore[misc]
    """Give GDB its own symbols of the kernel that it debugs.

    Usage: drgn-symbols

    GDB's symbols of vmlinux are moved to where KASLR has put the kernel, and those of
    the loaded modules are added, so that bt, break, list and print work."""

    def __init__(self) -> None:
        super().__init__("drgn-symbols", gdb.COMMAND_FILES, gdb.COMPLETE_NONE)

    def invoke(self, arguments: str, from_tty: bool) -> None:
        if arguments.strip():
            raise gdb.GdbError("drgn-symbols takes no arguments")
        from .symbols import add_symbols

        with _errors():
            add_symbols()


class DrgnFunction(gdb.Function):  # type: ignore[misc]
    """The value of a drgn expression: $drgn("prog['x'].y")"""

    def __init__(self) -> None:
        super().__init__("drgn")

    def invoke(self, *arguments: gdb.Value) -> Any:
        from .convert import to_gdb_value
        from .session import evaluate

        try:
            (expression,) = arguments
            source = expression.string()
        except (ValueError, gdb.error):
            raise gdb.GdbError("$drgn() takes one string, an expression") from None
        with _errors():
            return to_gdb_value(evaluate(source))


def register() -> None:
    """Define all commands and functions."""
    DrgnCommand()
    DrgnScriptCommand()
    DrgnSymbolsCommand()
    DrgnFunction()


@contextmanager
def _errors(traceback_from: str | None = None) -> Iterator[None]:
    """Make GDB's errors, of one line, of exceptions.

    With ``traceback_from`` the calls from that file on are shown before.
    """
    try:
        yield
    except (gdb.GdbError, KeyboardInterrupt):
        raise
    except SystemExit as error:
        if error.code not in (None, 0):
            status = error.code
            text = f"exit status {status}" if isinstance(status, int) else str(status)
            raise gdb.GdbError(text) from None
    except BaseException as error:
        import traceback

        last = traceback.format_exception_only(error)[-1]
        if traceback_from is not None:
            _leave_calls(error, traceback_from)
            text = "".join(traceback.format_exception(error))
            gdb.write(text.removesuffix(last), gdb.STDERR)
        raise gdb.GdbError(last.rstrip("\n")) from None


def _leave_calls(error: BaseException, path: str) -> None:
    """Let a traceback begin in the code of a file, and end in the user's."""
    from drgn.hosts.tracebacks import end_at_user

    end_at_user(error)
    call = error.__traceback__
    while call is not None and call.tb_frame.f_code.co_filename != path:
        call = call.tb_next
    error.__traceback__ = call


@contextmanager
def _no_pagination() -> Iterator[None]:
    """Let long output not wait for the user."""
    old = gdb.parameter("pagination")
    gdb.execute("set pagination off", to_string=True)
    try:
        yield
    finally:
        if old:
            gdb.execute("set pagination on", to_string=True)
