"""Stack traces and source locations of a Program."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, SupportsIndex

from ..arguments import UINT64_MAX, uint64
from ..closed import make
from ..objects.object import Object
from .code import CodeInfo
from .initial import architecture_name, initial_frame, registers_of_cpu
from .source import SourceLocation, SourceLocationList
from .trace import StackTrace
from .unwind import MAX_FRAMES, Frame
from .unwinders import unwinder_of

if TYPE_CHECKING:
    from ..program import Program
    from ..targets.base import TargetThread
    from ..threads import Thread
    from .code import Call


def stack_trace(
    prog: Program,
    thread: Thread | Object | SupportsIndex | None,
    limit: int = MAX_FRAMES,
) -> StackTrace:
    """The stack of a thread, by its ID, ``struct task_struct *`` or ``pt_regs``.

    It is empty of a task that has none, since it is dead and the kernel has freed it.
    An object is looked for in its own program. Raises LookupError if there is no such
    thread or its registers are not known, FaultError if they cannot be read, ValueError
    if stacks of the program cannot be unwound.
    """
    if isinstance(thread, Object):
        prog = thread.prog_
    with initial_frame(prog, thread) as (registers, interrupted):
        frames = []
        if registers:
            unwinder = unwinder_of(prog, CodeInfo.of(prog))
            frames = unwinder.unwind(registers, interrupted=interrupted, limit=limit)
    return make(StackTrace, prog, frames)


def stack_trace_of_cpu(
    prog: Program, cpu: TargetThread, limit: int = MAX_FRAMES
) -> StackTrace:
    """The stack of a processor that a debugger has stopped; errors as above."""
    registers = registers_of_cpu(prog, cpu)
    unwinder = unwinder_of(prog, CodeInfo.of(prog))
    frames = unwinder.unwind(registers, interrupted=True, limit=limit)
    return make(StackTrace, prog, frames)


def selected_stack_trace(prog: Program, limit: int = MAX_FRAMES) -> StackTrace:
    """The stack of the thread, or of a kernel's processor, that a debugger selects."""
    thread = None
    if prog._target is not None:
        cpu = prog._target.selected_cpu()
        if cpu is not None:
            return stack_trace_of_cpu(prog, cpu, limit)
        thread = prog._target.selected_thread()
    return stack_trace(prog, thread, limit)


def stack_trace_from_pcs(prog: Program, pcs: Iterable[SupportsIndex]) -> StackTrace:
    """A trace of program counters, each of which is taken for a return address."""
    try:
        items = iter(pcs)
    except TypeError:
        raise TypeError("stack_trace_from_pcs() argument 1 must be a list") from None
    addresses = [uint64(pc) for pc in items]
    if prog.platform is None:
        raise ValueError("cannot create stack trace without platform")
    if not prog.platform.registers:
        raise NotImplementedError(
            "stack traces are not supported on"
            f" {architecture_name(prog.platform)} architecture"
        )
    info = CodeInfo.of(prog)
    frames = [Frame(info, {}, interrupted=False, pc=pc) for pc in addresses]
    return make(StackTrace, prog, frames)


def source_location(
    prog: Program, address: SupportsIndex | str, /
) -> SourceLocationList:
    """Where the code at an address comes from, inlined calls first.

    The name of a file is empty if there is no line for the address. Raises LookupError
    if no unit has code there, ValueError if a string cannot be parsed.
    """
    if isinstance(address, str):
        number = parse_address(prog, address)
    else:
        number = uint64(address)
    info = CodeInfo.of(prog)
    code = info.at(number)
    if info.unit(code) is None:
        raise LookupError("source code location not found")

    def name_of(call: Call) -> str | None:
        if call.name is not None:
            return call.name
        symbol = prog._find_symbol(None, number)
        return None if symbol is None else symbol.name

    locations = [
        SourceLocation(*(call.line or ("", 0, 0)), partial(name_of, call))
        for call in code.calls
    ]
    return make(SourceLocationList, prog, locations)


_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|(?!0[xX])[0-9]+")
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]+")
_NAME = re.compile(r"[^\s+]*")
_SPACE = re.compile(r"\s*")


def parse_address(prog: Program, text: str) -> int:
    """The address that ``symbol``, ``0x10`` or ``symbol + 0x10`` means."""
    text, _, _ = text.partition("\0")
    position = _skip(text, 0)
    match = _NAME.match(text, position)
    assert match is not None
    name = match[0]
    if not name:
        what = "" if text[position:] else " or address"
        raise ValueError(f"expected symbol name{what}")
    position = _skip(text, match.end())
    offset = 0
    if text[position : position + 1] == "+":
        position = _skip(text, position + 1)
        number = _NUMBER.match(text, position)
        if number is None:
            raise ValueError("expected symbol offset")
        offset = int(number[0], 16 if number[0][:2].lower() == "0x" else 10)
        position = _skip(text, number.end())
        if position < len(text):
            raise ValueError("unexpected input after symbol offset")
    elif position < len(text):
        raise ValueError("unexpected input after symbol name or address")
    if _HEXADECIMAL.fullmatch(name):
        start = int(name, 16)
    else:
        start = prog.symbol(name).address
    if start > UINT64_MAX:
        raise OverflowError("address out of range")
    if offset > UINT64_MAX:
        raise OverflowError("symbol offset out of range")
    return start + offset & UINT64_MAX


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    assert match is not None
    return match.end()
