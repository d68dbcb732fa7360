"""The names of the ``gdb`` module."""

from __future__ import annotations

import os
import sys
from typing import Any

from . import command as _command
from . import events
from . import frames as _frames
from . import parameter as _parameter
from . import symbols as _symbols
from . import types as _types
from .builtin import NO_BREAKPOINTS
from .command import Command, string_to_argv
from .errors import GdbError, MemoryError, error
from .evaluate import evaluate
from .events import EventRegistry
from .execute import execute
from .frames import (
    Frame,
    frame_stop_reason_string,
    invalidate_cached_frames,
    newest_frame,
    selected_frame,
)
from .function import Function
from .inferiors import (
    Architecture,
    Inferior,
    InferiorThread,
    inferiors,
    selected_inferior,
    selected_thread,
)
from .objfiles import (
    Objfile,
    Progspace,
    current_progspace,
    lookup_objfile,
    objfiles,
    progspaces,
    solib_name,
)
from .parameter import Parameter, parameter
from .session import current
from .symbols import (
    Block,
    Symbol,
    Symtab,
    Symtab_and_line,
    block_for_pc,
    decode_line,
    find_pc_line,
    lookup_global_symbol,
    lookup_static_symbol,
    lookup_static_symbols,
    lookup_symbol,
)
from .types import Field, Type, lookup_type
from .value import LazyString, Value
from .visualizers import default_visualizer

VERSION = "13.1 (pydrgn, without GDB)"
HOST_CONFIG = TARGET_CONFIG = "x86_64-linux-gnu"
PYTHONDIR = os.path.dirname(__file__)
STDOUT, STDERR, STDLOG = 0, 1, 2
prompt_hook = None
type_printers: list[Any] = []
xmethods: list[Any] = []
frame_filters: dict[str, Any] = {}
frame_unwinders: list[Any] = []


class Breakpoint:
    """A breakpoint: nothing runs here, so that none can be made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise error(NO_BREAKPOINTS)


class FinishBreakpoint(Breakpoint):
    """A breakpoint at a function's end: none can be made."""


def breakpoints() -> tuple[()]:
    """The breakpoints: there are none."""
    return ()


def write(text: str, stream: int = STDOUT) -> None:
    """Print text."""
    if stream == STDOUT:
        current().write(text)
    else:
        sys.stderr.write(text)


def flush(stream: int = STDOUT) -> None:
    """Have what was printed seen."""
    current().flush()


def parse_and_eval(expression: str) -> Value:
    """The value of an expression."""
    return evaluate(current(), expression)


def history(number: int) -> Value:
    """A value of the history; from its end if the number is not positive."""
    return current().history_value(number)


def add_history(value: Any) -> int:
    """Put a value in the history; its number."""
    return current().record(value if isinstance(value, Value) else Value(value))


def history_count() -> int:
    """How many values are in the history."""
    return len(current().history)


def convenience_variable(name: str) -> Value | None:
    """The value of ``$name``; None if it is not set."""
    return current().convenience.get(name)


def set_convenience_variable(name: str, value: Any) -> None:
    """Set ``$name``; None takes it away."""
    variables = current().convenience
    if value is None:
        variables.pop(name, None)
    else:
        variables[name] = value if isinstance(value, Value) else Value(value)


def set_parameter(name: str, value: Any) -> None:
    """Set a setting."""
    if value is None:
        value = "unlimited"
    elif isinstance(value, bool):
        value = "on" if value else "off"
    execute(f"set {name} {value}", to_string=True)


def current_objfile() -> None:
    """The file whose script is being loaded: no file's is."""
    return


def current_language() -> str:
    """The language of the selected frame."""
    return "c++" if current().is_cplus() else "c"


def host_charset() -> str:
    """The charset of what is printed."""
    return "UTF-8"


def target_charset() -> str:
    """The charset of the program's strings."""
    return "UTF-8"


def target_wide_charset() -> str:
    """The charset of the program's wide strings."""
    return "UTF-32"


def post_event(event: Any) -> None:
    """Call something: at once, as nothing else is going on."""
    event()


def format_address(
    address: int, progspace: Any = None, architecture: Any = None
) -> str:
    """An address with its symbol."""
    return current().lookups.address_text(int(address))


def architecture_names() -> list[str]:
    """The program's architecture, in a list."""
    return [Architecture().name()]


def print_options() -> dict[str, Any]:
    """How values are printed now."""
    from dataclasses import asdict

    from .options import options_of

    found = asdict(options_of(current()))
    return {name: found[name] for name in found if name not in ("format", "raw")}


def rbreak(*args: Any, **kwargs: Any) -> None:
    """Set breakpoints by a regular expression: none can be set."""
    raise error(NO_BREAKPOINTS)


def __getattr__(name: str) -> Any:
    if name == "pretty_printers":
        return current().pretty_printers
    raise AttributeError(f"module 'gdb' has no attribute {name!r}")


_CONSTANTS = {
    key: value
    for module in (_command, _frames, _parameter, _symbols, _types)
    for key, value in vars(module).items()
    if key.isupper() and not key.startswith("_") and isinstance(value, int)
}


def names() -> dict[str, Any]:
    """All names that ``import gdb`` gives."""
    own = {
        key: value
        for key, value in globals().items()
        if not key.startswith("_") and key not in ("annotations", "Any", "evaluate")
    }
    del own["names"], own["current"], own["NO_BREAKPOINTS"]
    return own | _CONSTANTS | {"__getattr__": __getattr__}


__all__ = (
    "Block",
    "Command",
    "EventRegistry",
    "Field",
    "Frame",
    "Function",
    "GdbError",
    "Inferior",
    "InferiorThread",
    "LazyString",
    "MemoryError",
    "Objfile",
    "Parameter",
    "Progspace",
    "Symbol",
    "Symtab",
    "Symtab_and_line",
    "Type",
    "Value",
    "block_for_pc",
    "current_progspace",
    "decode_line",
    "default_visualizer",
    "error",
    "events",
    "execute",
    "find_pc_line",
    "frame_stop_reason_string",
    "inferiors",
    "invalidate_cached_frames",
    "lookup_global_symbol",
    "lookup_objfile",
    "lookup_static_symbol",
    "lookup_static_symbols",
    "lookup_symbol",
    "lookup_type",
    "names",
    "newest_frame",
    "objfiles",
    "parameter",
    "progspaces",
    "selected_frame",
    "selected_inferior",
    "selected_thread",
    "solib_name",
    "string_to_argv",
)
