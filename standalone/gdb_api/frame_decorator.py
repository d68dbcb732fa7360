"""``gdb.FrameDecorator``: what frame filters are made of.

``backtrace`` does not ask filters here: scripts that define some load, and may use
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class FrameDecorator:
    """A frame with what a filter changes of it."""

    def __init__(self, base: Any) -> None:
        self._base = base

    def _asked(self, name: str, otherwise: Any) -> Any:
        method = getattr(self._base, name, None)
        if isinstance(self._base, FrameDecorator) and method is not None:
            return method()
        return otherwise

    def inferior_frame(self) -> Any:
        """The frame itself."""
        return self._asked("inferior_frame", self._base)

    def elided(self) -> Any:
        """The frames that this one stands for."""
        return self._asked("elided", None)

    def function(self) -> Any:
        """The function's name, or the address if it has none."""
        frame = self.inferior_frame()
        return self._asked("function", frame.name() or frame.pc())

    def address(self) -> int:
        """The address of the code."""
        found: int = self._asked("address", self.inferior_frame().pc())
        return found

    def filename(self) -> str | None:
        """The source file."""
        symtab = self.inferior_frame().find_sal().symtab
        found: str | None = self._asked("filename", symtab and symtab.filename)
        return found

    def line(self) -> int | None:
        """The source line."""
        found: int | None = self._asked("line", self.inferior_frame().find_sal().line)
        return found

    def frame_args(self) -> Any:
        """The arguments, as symbols with values."""
        return self._asked("frame_args", list(self._symbols(True)) or None)

    def frame_locals(self) -> Any:
        """The local variables, as symbols with values."""
        return self._asked("frame_locals", list(self._symbols(False)) or None)

    def _symbols(self, arguments: bool) -> Iterator[SymValueWrapper]:
        try:
            block = self.inferior_frame().block()
        except RuntimeError:
            return
        for symbol in block:
            if symbol.is_argument is arguments:
                yield SymValueWrapper(symbol, None)


class SymValueWrapper:
    """A symbol and its value (None: the frame has it)."""

    def __init__(self, symbol: Any, value: Any) -> None:
        self.sym, self.val = symbol, value

    def symbol(self) -> Any:
        """The symbol."""
        return self.sym

    def value(self) -> Any:
        """The value."""
        return self.val


class FrameIterator:
    """The frames from one to the outermost."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._frame is None:
            raise StopIteration
        found, self._frame = self._frame, self._frame.older()
        return found


__all__ = ("FrameDecorator", "FrameIterator", "SymValueWrapper")
