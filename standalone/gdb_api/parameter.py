"""``gdb.Parameter`` and ``gdb.parameter()``: settings that scripts have and make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import error

PARAM_BOOLEAN = 0
PARAM_AUTO_BOOLEAN = 1
PARAM_UINTEGER = 2
PARAM_INTEGER = 3
PARAM_STRING = 4
PARAM_STRING_NOESCAPE = 5
PARAM_OPTIONAL_FILENAME = 6
PARAM_FILENAME = 7
PARAM_ZINTEGER = 8
PARAM_ZUINTEGER = 9
PARAM_ZUINTEGER_UNLIMITED = 10
PARAM_ENUM = 11

_TRUE = ("on", "1", "yes", "enable", "")
_FALSE = ("off", "0", "no", "disable")
_STRINGS = frozenset(range(PARAM_STRING, PARAM_FILENAME + 1))
_ZERO_IS_UNLIMITED = PARAM_UINTEGER, PARAM_INTEGER


class Parameter:
    """A setting that a script defines: ``set NAME`` and ``show NAME``."""

    value: Any

    def __init__(
        self,
        name: str,
        command_class: int,
        parameter_class: int,
        enum_sequence: Sequence[str] | None = None,
    ) -> None:
        from .session import current

        if parameter_class == PARAM_ENUM and not enum_sequence:
            raise RuntimeError("The enumeration is empty.")
        if not 0 <= parameter_class <= PARAM_ENUM:
            raise RuntimeError("Invalid parameter class argument.")
        self._name, self._kind = name, parameter_class
        self._choices = list(enum_sequence or [])
        self.value = self._first()
        session = current()
        session.parameters[name] = self

    def _first(self) -> Any:
        if self._kind == PARAM_BOOLEAN:
            return False
        if self._kind == PARAM_AUTO_BOOLEAN or self._kind in _STRINGS:
            return None
        return self._choices[0] if self._kind == PARAM_ENUM else 0

    def assign(self, text: str) -> str:
        """Take a value as ``set`` has it; what is printed then."""
        self.value = self._parse(text.strip())
        describe = getattr(self, "get_set_string", None)
        return str(describe()) if describe is not None else ""

    def _parse(self, text: str) -> Any:
        if self._kind in (PARAM_BOOLEAN, PARAM_AUTO_BOOLEAN):
            return parse_boolean(text, self._kind == PARAM_AUTO_BOOLEAN)
        if self._kind in _STRINGS:
            return text
        if self._kind == PARAM_ENUM:
            found = [each for each in self._choices if each.startswith(text)]
            if not text:
                choices = ", ".join(self._choices)
                raise error(f"Requires an argument. Valid arguments are {choices}.")
            if text in self._choices or len(found) == 1:
                return text if text in self._choices else found[0]
            kind = "Ambiguous" if found else "Undefined"
            raise error(f'{kind} item: "{text}".')
        number = parse_integer(text)
        return None if not number and self._kind in _ZERO_IS_UNLIMITED else number

    def show(self) -> str:
        """What ``show`` prints."""
        text = shown(self.value)
        describe = getattr(self, "get_show_string", None)
        if describe is not None:
            return str(describe(text)) + "\n"
        doc = getattr(self, "show_doc", None)
        if doc is None:
            return f"The current value of '{self._name}' is \"{text}\".\n"
        return f"{doc} {text}\n"


def parse_boolean(text: str, auto: bool = False) -> bool | None:
    """A switch's state; None is "auto"."""
    if auto and text in ("auto", "-1"):
        return None
    if text in _TRUE or (len(text) > 1 and any(t.startswith(text) for t in _TRUE)):
        return True
    if text in _FALSE or (len(text) > 1 and any(t.startswith(text) for t in _FALSE)):
        return False
    raise error(
        '"on", "off" or "auto" expected.' if auto else '"on" or "off" expected.'
    )


def parse_integer(text: str) -> int | None:
    """A number; None is "unlimited"."""
    if text and "unlimited".startswith(text):
        return None
    if not text:
        raise error('Argument required (integer to set it to, or "unlimited".).')
    from .evaluate import evaluate
    from .session import current

    return int(evaluate(current(), text))


def shown(value: Any) -> str:
    """A setting as ``show`` has it."""
    if value is None:
        return "unlimited"
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def parameter(name: str) -> Any:
    """The value of a setting, GDB's or a script's."""
    from .session import current

    session = current()
    if name in session.parameters:
        return session.parameters[name].value
    found = session.settings.whole_name(name)
    if found is None:
        raise RuntimeError(f"Could not find parameter '{name}'.")
    return session.settings[found]
