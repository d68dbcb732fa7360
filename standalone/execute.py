"""Running a script, or code of a command line, as Python would."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from drgn import Program

Names = dict[str, Any]
Code = str | bytes | types.CodeType


def _as_they_are(names: Names) -> Names:
    return names


def fail(message: object) -> NoReturn:
    """End the process with a line on standard error."""
    print(message, file=sys.stderr)
    sys.exit(1)


def run_script(
    prog: Program,
    argv: Sequence[str],
    globals_func: Callable[[Names], Names] = _as_they_are,
) -> None:
    """Run a script with its arguments; ``globals_func`` may add to what it sees."""
    path = argv[0]
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        fail(error)
    sys.argv[:] = argv
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    own = {"__file__": path, "__cached__": None, "__package__": ""}
    code: Code = source
    if b"\0" in source and (packed := _packed(path)) is not None:
        code = packed
        if packed.co_filename.startswith(path + os.sep):
            sys.path[0] = path
            own["__file__"] = packed.co_filename
    module = _new_main_module({"prog": prog, **own})
    sys.modules["__main__"] = module
    _exec(code, path, globals_func(vars(module)))


def _packed(path: str) -> types.CodeType | None:
    """The code of an archive with a ``__main__.py``, or that Python has compiled."""
    from pkgutil import read_code
    from zipimport import ZipImportError, zipimporter

    try:
        return zipimporter(path).get_code("__main__")
    except ZipImportError:
        pass
    try:
        with open(path, "rb") as file:
            return read_code(file)  # type: ignore[no-any-return]
    except (EOFError, TypeError, ValueError):  # It is cut short or damaged.
        return None


def run_code(
    prog: Program,
    source: str,
    name: str,
    argv: Sequence[str],
    globals_func: Callable[[Names], Names] = _as_they_are,
) -> None:
    """Run code that sees what the prompt does, and what ``globals_func`` adds."""
    from drgn.hosts.namespace import LazyGlobals

    sys.argv[:] = argv
    sys.path[0] = ""
    _exec(source, name, globals_func(LazyGlobals(prog)))


def _new_main_module(names: Names) -> types.ModuleType:
    module = types.ModuleType("__main__")
    vars(module).update(names, __builtins__=__builtins__)
    return module


def _exec(code: Code, name: str, names: Names) -> None:
    """Run code; an exception ends the process as it does in Python.

    The traceback starts at the user's code: frames of ours would only be noise.
    """
    try:
        if not isinstance(code, types.CodeType):
            code = compile(code, name, "exec", dont_inherit=True)
        exec(code, names)
    except SystemExit as end:
        _flush_output(failed=bool(end.code))
        raise
    except BaseException as error:
        from drgn.hosts.tracebacks import leave_user_frames

        leave_user_frames(error)
        if isinstance(error, BrokenPipeError):
            fail_to_write(error)
        _flush_output(failed=True)
        # Unlike traceback before Python 3.12, it says what a wrong name may have meant.
        sys.excepthook(type(error), error, error.__traceback__)
        if isinstance(error, KeyboardInterrupt):
            raise
        sys.exit(1)
    _flush_output(failed=False)


def _flush_output(*, failed: bool) -> None:
    """Write what is buffered; where that fails, a process that has not does so now."""
    if sys.stdout is not sys.__stdout__ or sys.stdout is None or sys.stdout.closed:
        return  # What the user's code put in its place is the code's to flush.
    try:
        sys.stdout.flush()
    except OSError as error:
        if not failed:
            fail_to_write(error)
        _discard_output()


@contextmanager
def ending_without_traceback() -> Iterator[None]:
    """Let Ctrl-C end Python without a word, and a missing library with a line.

    Python ends by the signal then, as whoever waits for it wants. What the user's code
    raised was shown before.
    """
    try:
        yield
    except KeyboardInterrupt:
        sys.excepthook = lambda *_: None
        raise
    except ModuleNotFoundError as error:
        fail(f"error: {error}: is pydrgn installed with all it needs?")


def _discard_output() -> None:
    """Drop what standard output did not take: flushing it would fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail_to_write(error: OSError) -> NoReturn:
    """End the process as standard output takes no more; silently if nobody reads it."""
    _discard_output()
    if not isinstance(error, BrokenPipeError):
        fail(f"error: {error}")
    sys.exit(1)
