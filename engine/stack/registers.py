"""The registers of x86-64 and the layouts in which they are saved.

Registers go by their numbers in the psABI (System V ABI, AMD64 supplement, figure
3.36), which is how debug information names them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..registers import register_names

if TYPE_CHECKING:
    from ..platform import Platform

Registers = dict[int, int]
"""Register number -> value; what is not known is not there."""

RBP, RSP, RIP = 6, 7, 16
RFLAGS, CS, SS = 49, 51, 52

NUMBERS = dict(
    zip(
        (names[0] for names in register_names("X86_64")),
        [*range(17), 49, 50, 51, 52, 53, 54, 55, 58, 59],
        strict=True,
    )
)
"""Name -> number, in the order in which registers are listed."""

CALLEE_SAVED = frozenset(
    NUMBERS[name] for name in ["rbx", "rbp", "r12", "r13", "r14", "r15"]
)
"""Registers that a function leaves as they were, if its CFI says nothing of them."""

# struct user_regs_struct: what NT_PRSTATUS has. struct pt_regs of the kernel (and of
# ptrace) is the same without the segment bases and data segments.
_PR_REG = [
    "r15",
    "r14",
    "r13",
    "r12",
    "rbp",
    "rbx",
    "r11",
    "r10",
    "r9",
    "r8",
    "rax",
    "rcx",
    "rdx",
    "rsi",
    "rdi",
    "orig_rax",
    "rip",
    "cs",
    "rflags",
    "rsp",
    "ss",
    "fs.base",
    "gs.base",
    "ds",
    "es",
    "fs",
    "gs",
]
_PT_REGS = _PR_REG[: _PR_REG.index("ss") + 1]

PT_REGS_SIZE = 8 * len(_PT_REGS)
"""Bytes of ``struct pt_regs``."""

_PR_REG_LAYOUT = struct.Struct(f"<{len(_PR_REG)}Q")
_PT_REGS_LAYOUT = struct.Struct(f"<{len(_PT_REGS)}Q")
_IRET_LAYOUT = struct.Struct("<5Q")

_SEGMENTS = frozenset(NUMBERS[name] for name in ["es", "cs", "ss", "ds", "fs", "gs"])


def _named(names: list[str], values: tuple[int, ...]) -> Registers:
    registers: Registers = {}
    for name, value in zip(names, values, strict=True):
        number = NUMBERS.get(name)
        if number is not None:
            # Kernels with FRED keep more than the selector in these words.
            registers[number] = value & 0xFFFF if number in _SEGMENTS else value
    return registers


def from_prstatus(data: bytes | memoryview) -> Registers:
    """The registers in ``pr_reg`` of an NT_PRSTATUS note; ValueError if cut short."""
    if len(data) < _PR_REG_LAYOUT.size:
        raise ValueError("registers are truncated")
    return _named(_PR_REG, _PR_REG_LAYOUT.unpack_from(data))


def from_names(values: dict[str, int]) -> Registers:
    """The registers that are known of those by name."""
    return _named(list(values), tuple(values.values()))


def from_pt_regs(data: bytes | memoryview) -> Registers:
    """The registers in a ``struct pt_regs``; ValueError if it is cut short."""
    if len(data) < PT_REGS_SIZE:
        raise ValueError("registers are truncated")
    return _named(_PT_REGS, _PT_REGS_LAYOUT.unpack_from(data))


def from_iret_frame(data: bytes) -> Registers:
    """The registers in the 40 bytes that the processor pushes on an interrupt."""
    rip, cs, rflags, rsp, ss = _IRET_LAYOUT.unpack(data)
    return {RIP: rip, CS: cs & 0xFFFF, RFLAGS: rflags, RSP: rsp, SS: ss & 0xFFFF}


def is_supported(platform: Platform) -> bool:
    """Whether stacks of a platform can be unwound."""
    return platform.arch.name == "X86_64" and platform.is_64_bit
