"""What GDB has by itself: functions, ``$_strlen()``, and variables, ``$_thread``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from drgn import Object, TypeKind

from .errors import error
from .parameter import parameter, shown
from .session import Session, current
from .value import Value, characters


class BuiltIn:
    """A function with a number of arguments, of which the last may be left out."""

    def __init__(
        self, count: int, run: Callable[..., Any], optional: bool = False
    ) -> None:
        self._count, self._run, self._least = count, run, count - optional

    def invoke(self, *arguments: Value) -> Any:
        """The function's value. Raises ``gdb.error``."""
        if not self._least <= len(arguments) <= self._count:
            raise error(f"You must provide {self._least} argument(s).")
        return self._run(*arguments)


def _strlen(value: Value) -> int:
    return len(characters(value))


def _streq(one: Value, other: Value) -> bool:
    return characters(one) == characters(other)


def _memeq(one: Value, other: Value, size: Value) -> bool:
    return characters(one, int(size)) == characters(other, int(size))


def _regex(value: Value, pattern: Value) -> bool:
    found = re.match(pattern.string(), value.string())
    return found is not None


def _isvoid(value: Value) -> int:
    return int(value._obj.type_.kind is TypeKind.VOID)


def _as_string(value: Value) -> str:
    return str(value)


def _setting(name: Value) -> Any:
    found = _parameter(name.string())
    return 0 if found is None else int(found) if isinstance(found, bool) else found


def _setting_text(name: Value) -> str:
    return shown(_parameter(name.string()))


def _parameter(name: str) -> Any:
    try:
        return parameter(name)
    except RuntimeError:
        raise error(f"First argument of $_gdb_setting must be a setting: {name}") from (
            None
        )


def _callers(count: int | None = None) -> list[str]:
    """The functions' names from the selected frame on: all, or the one at a place."""
    session = current()
    session.frame()
    names = [frame.function_name or "" for frame in session.trace()]
    names = names[session.level() :]
    if count is None:
        return names
    if count < 0:
        raise error("nframes must be >= 0")
    return names[count : count + 1]


def _caller_is(name: Value, count: Any = 1) -> bool:
    return name.string() in _callers(int(count))


def _caller_matches(pattern: Value, count: Any = 1) -> bool:
    return any(re.match(pattern.string(), each) for each in _callers(int(count)))


def _any_caller_is(name: Value) -> bool:
    return name.string() in _callers()


def _any_caller_matches(pattern: Value) -> bool:
    return any(re.match(pattern.string(), each) for each in _callers())


def _thread(session: Session) -> int:
    thread = session.thread()
    return 0 if thread is None else session.thread_number(thread)


_VARIABLES: dict[str, Callable[[Session], int]] = {
    "_thread": _thread,
    "_gthread": _thread,
    "_inferior": lambda session: 1,
    "_gdb_major": lambda session: 13,
    "_gdb_minor": lambda session: 1,
}


def variable(session: Session, name: str) -> Value | None:
    """A variable that nobody set, an ``int``; None if GDB has no such variable."""
    found = _VARIABLES.get(name)
    if found is None:
        return None
    return Value(Object(session.prog, session.c_type("int"), found(session)))


def functions() -> dict[str, Any]:
    """The functions by their names."""
    return {
        "_strlen": BuiltIn(1, _strlen),
        "_streq": BuiltIn(2, _streq),
        "_memeq": BuiltIn(3, _memeq),
        "_regex": BuiltIn(2, _regex),
        "_isvoid": BuiltIn(1, _isvoid),
        "_as_string": BuiltIn(1, _as_string),
        "_gdb_setting": BuiltIn(1, _setting),
        "_gdb_setting_str": BuiltIn(1, _setting_text),
        "_caller_is": BuiltIn(2, _caller_is, True),
        "_caller_matches": BuiltIn(2, _caller_matches, True),
        "_any_caller_is": BuiltIn(1, _any_caller_is),
        "_any_caller_matches": BuiltIn(1, _any_caller_matches),
    }
