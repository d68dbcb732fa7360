"""``gdb.Frame``: the frames of the selected thread's stack."""

from __future__ import annotations

from typing import Any

from drgn import StackFrame, StackTrace

from .errors import error
from .inferiors import Architecture
from .session import current

NORMAL_FRAME = 0
DUMMY_FRAME = 1
INLINE_FRAME = 2
TAILCALL_FRAME = 3
SIGTRAMP_FRAME = 4
ARCH_FRAME = 5
SENTINEL_FRAME = 6

FRAME_UNWIND_NO_REASON = 0
FRAME_UNWIND_NULL_ID = 1
FRAME_UNWIND_OUTERMOST = 2
FRAME_UNWIND_UNAVAILABLE = 3
FRAME_UNWIND_INNER_ID = 4
FRAME_UNWIND_SAME_ID = 5
FRAME_UNWIND_NO_SAVED_PC = 6
FRAME_UNWIND_MEMORY_ERROR = 7

_REASONS = (
    "no reason",
    "unwinder did not report frame ID",
    "outermost",
    "not enough registers or memory available to unwind further",
    "previous frame inner to this frame (corrupt stack?)",
    "previous frame identical to this frame (corrupt stack?)",
    "frame did not save the PC",
    "memory error while unwinding",
)


class Frame:
    """A frame of a stack."""

    def __init__(self, trace: StackTrace, level: int) -> None:
        self._trace, self._level = trace, level

    @property
    def _frame(self) -> StackFrame:
        return self._trace[self._level]

    def is_valid(self) -> bool:
        """Whether the frame is there."""
        return self._level < len(self._trace)

    def name(self) -> str | None:
        """The function's name; None if it is not known."""
        return self._frame.function_name

    def architecture(self) -> Architecture:
        """The program's."""
        return Architecture()

    def type(self) -> int:
        """``NORMAL_FRAME`` or ``INLINE_FRAME``."""
        return INLINE_FRAME if self._frame.is_inline else NORMAL_FRAME

    def level(self) -> int:
        """0 of the innermost."""
        return self._level

    def unwind_stop_reason(self) -> int:
        """Why there is no older frame."""
        last = self._level + 1 >= len(self._trace)
        return FRAME_UNWIND_OUTERMOST if last else FRAME_UNWIND_NO_REASON

    def pc(self) -> int:
        """The address of its code."""
        return self._frame.pc

    def language(self) -> str:
        """The language of its function."""
        cplus = current().lookups.is_cplus(self._frame.pc)
        return "c++" if cplus else "c"

    def block(self) -> Any:
        """The block with its code. Raises RuntimeError without one."""
        from .symbols import Block

        if self._frame.function_name is None:
            raise RuntimeError("Cannot locate block for frame.")
        return Block(frame=self)

    def function(self) -> Any:
        """The function's symbol; None if it is not known."""
        from .symbols import lookup_function

        name = self.name()
        return None if name is None else lookup_function(name, self._frame)

    def older(self) -> Frame | None:
        """The frame that called this one."""
        return self._at(self._level + 1)

    def newer(self) -> Frame | None:
        """The frame that this one called."""
        return self._at(self._level - 1)

    def _at(self, level: int) -> Frame | None:
        return Frame(self._trace, level) if 0 <= level < len(self._trace) else None

    def find_sal(self) -> Any:
        """Its place in the source."""
        from .symbols import Symtab_and_line

        try:
            place = self._frame.source()
        except LookupError:
            return Symtab_and_line(self._frame.pc, None, 0)
        return Symtab_and_line(self._frame.pc, place.filename or None, place.line)

    def read_register(self, name: str) -> Any:
        """A register of the frame."""
        from .registers import register_in

        found = register_in(current(), self._frame, name)
        if found is None:
            raise ValueError(f"Bad register name '{name}'")
        return found

    def read_var(self, variable: Any, block: Any = None) -> Any:
        """A variable of the frame by its name or symbol."""
        from .value import Value

        name = variable if isinstance(variable, str) else variable.name
        try:
            return Value(self._frame[name])
        except KeyError:
            raise ValueError(f"Variable '{name}' not found.") from None

    def select(self) -> None:
        """Select it."""
        current().select_level(self._level)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        return self._level == other._level and (
            self._trace is other._trace
            or (self._frame.sp, self._frame.pc) == (other._frame.sp, other._frame.pc)
        )

    def __hash__(self) -> int:
        return hash(self._level)

    def __str__(self) -> str:
        return f"{{stack={self._frame.sp:#x},code={self._frame.pc:#x},!special}}"


def newest_frame() -> Frame:
    """The innermost frame of the selected thread."""
    session = current()
    if not session.has_stack():
        raise error("No stack.")
    return Frame(session.trace(), 0)


def selected_frame() -> Frame:
    """The selected frame."""
    session = current()
    if not session.has_stack():
        raise error("No frame is currently selected.")
    return Frame(session.trace(), session.level())


def frame_stop_reason_string(reason: int) -> str:
    """A reason of ``unwind_stop_reason()`` in words."""
    if not 0 <= reason < len(_REASONS):
        raise ValueError("Invalid frame stop reason.")
    return _REASONS[reason]


def invalidate_cached_frames() -> None:
    """Nothing is to be forgotten: nothing runs."""
