"""``gdb.printing``: pretty-printers in collections."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from .session import current


class SubPrettyPrinter:
    """A printer of a collection: its name, and whether it is on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.enabled = True


class PrettyPrinter:
    """A printer, or a collection of them, as `register_pretty_printer()` takes it."""

    def __init__(self, name: str, subprinters: Any = None) -> None:
        self.name = name
        self.subprinters = subprinters
        self.enabled = True

    def __call__(self, val: Any) -> Any:
        raise NotImplementedError("PrettyPrinter __call__")


class _RegexpPrinter(SubPrettyPrinter):
    def __init__(self, name: str, regexp: str, make: Callable[[Any], Any]) -> None:
        super().__init__(name)
        self.regexp = regexp
        self.gen_printer = make
        self.compiled_re = re.compile(regexp)


class RegexpCollectionPrettyPrinter(PrettyPrinter):
    """Printers for the types whose names regular expressions match."""

    def __init__(self, name: str) -> None:
        super().__init__(name, [])

    def add_printer(
        self, name: str, regexp: str, gen_printer: Callable[[Any], Any]
    ) -> None:
        """Have ``gen_printer(value)`` make the printer of types that match."""
        self.subprinters.append(_RegexpPrinter(name, regexp, gen_printer))

    def __call__(self, val: Any) -> Any:
        plain = val.type.unqualified().strip_typedefs()
        name = plain.tag or plain.name or val.type.name
        if not name:
            return None
        for each in self.subprinters:
            if each.enabled and each.compiled_re.search(name):
                return each.gen_printer(val)
        return None


class _FlagPrinter:
    def __init__(self, flags: list[tuple[str, int]], val: Any) -> None:
        self._flags, self._value = flags, int(val)

    def to_string(self) -> str:
        """``0x5 [A | C]``, with what no flag stands for as ``<unknown: ...>``."""
        rest, found = self._value, []
        for name, flag in self._flags:
            if self._value & flag:
                found.append(name)
                rest &= ~flag
        if rest:
            found.append(f"<unknown: 0x{rest:x}>")
        return f"0x{self._value:x} [{' | '.join(found)}]"


class FlagEnumerationPrinter(PrettyPrinter):
    """A printer for an enumeration of flags, by the enumeration's name."""

    def __init__(self, enum_type: str) -> None:
        super().__init__(enum_type)
        self._flags: list[tuple[str, int]] | None = None

    def __call__(self, val: Any) -> Any:
        if not self.enabled:
            return None
        if self._flags is None:
            from .types import lookup_type

            fields = lookup_type(self.name).fields()
            self._flags = sorted(((f.name, f.enumval) for f in fields), key=_second)
        return _FlagPrinter(self._flags, val)


def _second(pair: tuple[str, int]) -> int:
    return pair[1]


def register_pretty_printer(obj: Any, printer: Any, replace: bool = False) -> None:
    """Put a printer before those of an objfile, a program space, or of all (None)."""
    name = getattr(printer, "name", None) or getattr(printer, "__name__", None)
    if name is None:
        raise TypeError("printer missing attribute: name")
    if hasattr(printer, "name") and not hasattr(printer, "enabled"):
        raise TypeError("printer missing attribute: enabled")
    if not callable(printer):
        raise TypeError("printer missing attribute: __call__")
    if isinstance(printer, PrettyPrinter) and ";" in name:
        raise ValueError("semicolon ';' in printer name")
    printers = current().pretty_printers if obj is None else obj.pretty_printers
    for index, other in enumerate(printers):
        if hasattr(printer, "name") and getattr(other, "name", None) == name:
            if not replace:
                raise RuntimeError(f"pretty-printer already registered: {name}")
            del printers[index]
            break
    printers.insert(0, printer)


def printers_of_all() -> Iterator[Any]:
    """All printers, in the order in which GDB asks them."""
    session = current()
    for objfile in session.objfiles():
        yield from objfile.pretty_printers
    yield from session.progspace().pretty_printers
    yield from session.pretty_printers


__all__ = (
    "FlagEnumerationPrinter",
    "PrettyPrinter",
    "RegexpCollectionPrettyPrinter",
    "SubPrettyPrinter",
    "register_pretty_printer",
)
