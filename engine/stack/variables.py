"""The value of a variable in a frame: its location there, made an Object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dwarf import constants as dw
from ..dwarf.expr import evaluate_value
from ..dwarf.expr_context import ExprContext, Unavailable
from ..dwarf.expr_operators import FRAME_BASE, Purpose
from ..dwarf.location import expression_at
from ..dwarf.objects import constant, entry_address, function, variable
from ..dwarf.pieces import evaluated
from ..flags import AbsenceReason
from ..objects.object import Object
from .unwind import cfa_by

if TYPE_CHECKING:
    from ..dwarf.die import Die
    from ..program import Program
    from .unwind import Frame

_MAX_ENTRY_DEPTH = 16

_CALL_SITES = frozenset((dw.DW_TAG_call_site, dw.DW_TAG_GNU_call_site))
_CALL_SITE_PARAMETERS = frozenset(
    (dw.DW_TAG_call_site_parameter, dw.DW_TAG_GNU_call_site_parameter)
)


class FrameContext(ExprContext):
    """What the location of a variable in a frame can depend on."""

    __slots__ = ("_depth", "_frames", "_in_frame_base", "_index", "_prog")

    def __init__(
        self, prog: Program, frames: list[Frame], index: int, die: Die, depth: int = 0
    ) -> None:
        """``index`` is that of the frame, ``depth`` that of nested entry values."""
        super().__init__(die.unit)
        self._prog = prog
        self._frames = frames
        self._index = index
        self._depth = depth
        self._in_frame_base = False

    @property
    def _frame(self) -> Frame:
        return self._frames[self._index]

    def register(self, number: int) -> int:
        value = self._frame.registers.get(number)
        if value is None:
            raise Unavailable
        return value

    def read(self, address: int, size: int) -> bytes:
        return self._prog._memory.read(address, size)

    def address(self, file_address: int) -> int:
        code = self._frame.code
        if code is None or code.module is None:
            raise Unavailable
        address = code.module._to_address(file_address)
        if address is None:  # Its section is not loaded.
            raise Unavailable
        return address

    def frame_base(self) -> int:
        code = self._frame.code
        if code is None or code.file_pc is None or not code.calls[-1].scopes:
            raise Unavailable
        if self._in_frame_base:  # It is relative to itself.
            raise Unavailable
        subprogram = code.calls[-1].scopes[0]
        expression = expression_at(subprogram, dw.DW_AT_frame_base, code.file_pc)
        if expression is None:
            raise Unavailable
        self._in_frame_base = True
        try:
            return self._evaluate_value(expression, FRAME_BASE)
        finally:
            self._in_frame_base = False

    def cfa(self) -> int:
        frame = self._frame
        if frame.cfa is None and frame.code is not None and frame.code.cfi is not None:
            frame.cfa = cfa_by(self._prog, frame, frame.code.cfi)
        if frame.cfa is None:
            raise Unavailable
        return frame.cfa

    def entry_value(self, expression: memoryview) -> int:
        """What the caller says at its call site that it passed.

        DWARF 5, section 3.4; the call must have been of this very function.
        """
        frames, index = self._frames, self._index
        if index + 1 >= len(frames) or self._depth >= _MAX_ENTRY_DEPTH:
            raise Unavailable
        callee, caller = frames[index].code, frames[index + 1]
        if callee is None or caller.interrupted or not callee.calls[-1].scopes:
            raise Unavailable
        site = _call_site(caller)
        if site is None:
            raise Unavailable
        context = FrameContext(
            self._prog, frames, index + 1, site, depth=self._depth + 1
        )
        if not context._calls(site, callee.calls[-1].scopes[0]):
            raise Unavailable
        for parameter in site.children():
            if parameter.tag not in _CALL_SITE_PARAMETERS:
                continue
            if parameter.attr(dw.DW_AT_location) != expression:
                continue
            value = parameter.attr(dw.DW_AT_call_value)
            if value is None:
                value = parameter.attr(dw.DW_AT_GNU_call_site_value)
            if isinstance(value, memoryview):
                return context._evaluate_value(value)
        raise Unavailable

    def _calls(self, site: Die, subprogram: Die) -> bool:
        """Whether a call site of this frame calls a function."""
        origin = site.ref(dw.DW_AT_call_origin) or site.ref(dw.DW_AT_abstract_origin)
        if origin is not None:
            return not set(origin.origins()).isdisjoint(subprogram.origins()) or (
                # Declared in one unit and defined in another.
                _linkage_name(origin) == _linkage_name(subprogram)
            )
        target = site.attr(dw.DW_AT_call_target)
        if target is None:
            target = site.attr(dw.DW_AT_GNU_call_site_target)
        if not isinstance(target, memoryview):
            return False
        callee = self._frames[self._index - 1].code
        entry = entry_address(subprogram)
        if callee is None or callee.module is None or entry is None:
            return False
        address = callee.module._to_address(entry)
        return self._evaluate_value(target) == address

    def _evaluate_value(
        self, expression: memoryview, purpose: Purpose | None = None
    ) -> int:
        assert self.unit is not None
        return evaluate_value(
            expression,
            self,
            address_size=self.unit.address_size,
            little_endian=self.unit.file.order == "<",
            purpose=purpose,
        )


def _linkage_name(die: Die) -> object:
    return die.origin_attr(dw.DW_AT_linkage_name) or die.origin_attr(dw.DW_AT_name)


def _call_site(caller: Frame) -> Die | None:
    """The DIE of the call that a frame is in."""
    code, pc = caller.code, caller.pc
    if code is None or code.module is None or pc is None:
        return None
    return_pc = code.module._to_file(pc)
    scopes = (scope for call in code.calls for scope in call.scopes)
    for child in (child for scope in scopes for child in scope.children()):
        if child.tag not in _CALL_SITES:
            continue
        there = child.attr(dw.DW_AT_call_return_pc)
        if there is None:
            there = child.attr(dw.DW_AT_low_pc)
        if there == return_pc:
            return child
    return None


def frame_object(
    prog: Program, frames: list[Frame], index: int, name: str, die: Die
) -> Object | None:
    """The object that an entry of `local_entries()` in a frame's scope stands for.

    It is absent where it was optimized out. Raises BadDataError where debug
    information is malformed, FaultError if memory that says where it is, or a part
    of it, cannot be read.
    """
    debug = prog._debug
    if die.tag == dw.DW_TAG_subprogram:
        return function(debug, die)
    if die.tag == dw.DW_TAG_enumeration_type:
        return constant(debug, die, name)
    located = next((d for d in die.origins() if d.has(dw.DW_AT_location)), None)
    if located is None:
        return variable(debug, die)  # It is constant or optimized out.
    type = debug.types_of(die.unit.file).object_type(die)
    code = frames[index].code
    expression = None if code is None else code.location(located)
    if expression is None or not len(expression):
        return Object._absent(type, AbsenceReason.OPTIMIZED_OUT)
    context = FrameContext(prog, frames, index, located)
    return evaluated(located, type, expression, context)
