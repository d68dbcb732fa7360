"""
Stack
-----

``drgn.helpers.common.stack`` prints stacks and registers.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from drgn import Architecture, FaultError, Program, StackTrace
from drgn.helpers.common.memory import print_words
from drgn.helpers.common.prog import takes_program_or_default

__all__ = ("print_annotated_stack", "print_registers")


def print_annotated_stack(trace: StackTrace) -> None:
    """Print the memory of a stack with what its words refer to.

    >>> print_annotated_stack(stack_trace(2))
    STACK POINTER     VALUE
    [stack frame #0 at 0xffffffff82c10e3d (__schedule+0x34d/0x9f3) ...]
    ...

    See :func:`~drgn.helpers.common.memory.identify_address()`.

    :param trace: Stack trace.
    """
    prog = trace.prog
    digits = 2 * prog.address_size()
    print(f"{'STACK POINTER':<{digits + 1}} VALUE")
    cache: dict[Any, Any] = {}
    frames = list(trace)
    for frame, caller in zip_longest(frames, frames[1:]):
        print(f"[stack frame {frame}]")
        if frame.is_inline and not frame.interrupted:
            continue  # It has no memory of its own.
        try:
            start = frame.sp
            end = start if caller is None else caller.sp
            # At least a word: where the next stack is another one, that is all.
            data = prog.read(start, max(end - start, prog.address_size()))
        except (FaultError, LookupError):
            continue
        print_words(prog, start, data, cache)


# Registers of a line of print_registers(), and their digits.
_X86_64_LINES: tuple[tuple[tuple[str, str, int], ...], ...] = (
    (("RIP", "rip", 16), ("RSP", "rsp", 16), ("RFLAGS", "rflags", 8)),
    (("RAX", "rax", 16), ("RBX", "rbx", 16), ("RCX", "rcx", 16)),
    (("RDX", "rdx", 16), ("RSI", "rsi", 16), ("RDI", "rdi", 16)),
    (("RBP", "rbp", 16), (" R8", "r8", 16), (" R9", "r9", 16)),
    (("R10", "r10", 16), ("R11", "r11", 16), ("R12", "r12", 16)),
    (("R13", "r13", 16), ("R14", "r14", 16), ("R15", "r15", 16)),
    ((" CS", "cs", 4), (" SS", "ss", 4)),
)


@takes_program_or_default
def print_registers(prog: Program, regs: dict[str, int], indent: str = "    ") -> None:
    """Print registers like :manpage:`crash(8)`.

    :param regs: Values by name, as of :meth:`drgn.StackFrame.registers()`; one that is
        missing is printed as question marks.
    :param indent: What each line begins with.

    >>> print_registers(prog, {"rip": 0x1000, "rsp": 0x7FFC0000})
        RIP: 0000000000001000  RSP: 000000007ffc0000  RFLAGS: ????????
        RAX: ????????????????  RBX: ????????????????  RCX: ????????????????
    ...
    """
    if prog.platform is not None and prog.platform.arch == Architecture.X86_64:
        lines = _X86_64_LINES
    else:
        digits = 2 * prog.address_size()
        names = list(regs)
        lines = tuple(
            tuple((name.upper().rjust(3), name, digits) for name in names[i : i + 3])
            for i in range(0, len(names), 3)
        )
    for line in lines:
        cells = [
            f"{label}: " + (f"{regs[name]:0{n}x}" if name in regs else "?" * n)
            for label, name, n in line
        ]
        print(indent + "  ".join(cells))
