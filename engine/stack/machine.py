"""What unwinding has to know of an architecture: its registers, and how they are saved.

Registers go by their numbers in the psABI of the architecture, which is how debug
information names them. What it has no number for is numbered from ``_UNNUMBERED`` on.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from ..registers import register_names

if TYPE_CHECKING:
    from ..platform import Platform

Registers = dict[int, int]
"""Register number -> value; what is not known is not there."""

_UNNUMBERED = 1 << 32

_WHOLE = (1 << 64) - 1
_SELECTOR = 0xFFFF


class Layout:
    """A structure in memory that registers are saved in."""

    __slots__ = ("_places", "_struct", "size")

    size: int
    """Bytes."""

    def __init__(self, format: str, places: Iterable[tuple[int, int, int]]) -> None:
        """``places``: (index in ``format``, number of the register, bits of it)."""
        self._struct = struct.Struct(format)
        self._places = tuple(places)
        self.size = self._struct.size

    def registers(self, data: bytes | memoryview) -> Registers:
        """The registers in a structure; ValueError if it is cut short."""
        if len(data) < self.size:
            raise ValueError("registers are truncated")
        words = self._struct.unpack_from(data)
        return {number: words[i] & bits for i, number, bits in self._places}


class Machine:
    """An architecture whose stacks can be unwound, in a byte order."""

    __slots__ = (
        "by_name",
        "callee_saved",
        "frame_pointer",
        "link",
        "mask",
        "numbers",
        "order",
        "pc",
        "prstatus",
        "pt_regs",
        "sp",
        "word",
    )

    by_name: dict[str, int]
    """Each name -> number, in the order in which registers are listed."""
    numbers: frozenset[int]
    """All that there are."""
    pc: int
    sp: int
    link: int | None
    """Where a call leaves the return address; None if it is on the stack."""
    frame_pointer: int | None
    callee_saved: frozenset[int]
    """Registers that a function leaves as they were, unless its CFI says otherwise."""
    word: int
    """Bytes of a register, and of an address."""
    order: str
    """The byte order, as `struct` has it."""
    mask: int
    """All bits of a word."""
    prstatus: Layout
    """``pr_reg`` of an NT_PRSTATUS note."""
    pt_regs: Layout
    """``struct pt_regs`` of the kernel, as far as it has registers."""

    def __init__(
        self,
        architecture: str,
        numbers: Sequence[int],
        *,
        pc: int,
        sp: int,
        callee_saved: Iterable[int],
        prstatus: Layout,
        pt_regs: Layout,
        link: int | None = None,
        frame_pointer: int | None = None,
        word: int = 8,
        order: str = "<",
    ) -> None:
        """``numbers`` are those of what a platform lists as registers, in its order."""
        self.by_name = {
            name: number
            for names, number in zip(register_names(architecture), numbers, strict=True)
            for name in names
        }
        self.numbers = frozenset((*numbers, pc))
        self.pc = pc
        self.sp = sp
        self.link = link
        self.frame_pointer = frame_pointer
        self.callee_saved = frozenset(callee_saved)
        self.word = word
        self.order = order
        self.mask = (1 << 8 * word) - 1
        self.prstatus = prstatus
        self.pt_regs = pt_regs

    def from_names(self, values: Mapping[str, int]) -> Registers:
        """The registers that are known of those by name, and the ``pc``."""
        numbers = {"pc": self.pc, **self.by_name}
        return {numbers[n]: value for n, value in values.items() if n in numbers}


def _whole(numbers: Iterable[int | None]) -> list[tuple[int, int, int]]:
    """The places of registers that are whole words; None is something else."""
    return [(i, n, _WHOLE) for i, n in enumerate(numbers) if n is not None]


_USER_REGS = [
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
"""x86-64's struct user_regs_struct, which struct pt_regs is the beginning of."""
_CALLEE_SAVED = ["rbx", "rbp", "r12", "r13", "r14", "r15"]


def _x86_64(order: str) -> Machine:
    # System V ABI, AMD64 supplement, figure 3.36.
    numbers = [*range(17), 49, 50, 51, 52, 53, 54, 55, 58, 59]
    names = [name for (name,) in register_names("X86_64")]
    number = dict(zip(names, numbers, strict=True))
    # Kernels with FRED keep more than the selector in these words.
    places = [
        (i, number[name], _SELECTOR if len(name) == 2 and name[1] == "s" else _WHOLE)
        for i, name in enumerate(_USER_REGS)
        if name in number
    ]
    pt_regs = _USER_REGS.index("ss") + 1
    return Machine(
        "X86_64",
        numbers,
        pc=number["rip"],
        sp=number["rsp"],
        frame_pointer=number["rbp"],
        callee_saved=map(number.__getitem__, _CALLEE_SAVED),
        prstatus=Layout(f"<{len(_USER_REGS)}Q", places),
        pt_regs=Layout(f"<{pt_regs}Q", (p for p in places if p[0] < pt_regs)),
    )


def _aarch64(order: str) -> Machine:
    # DWARF for the Arm 64-bit Architecture, section 4.1. struct user_pt_regs.
    sp, pc, pstate = 31, 32, _UNNUMBERED
    saved = Layout(f"{order}34Q", _whole([*range(31), sp, pc, pstate]))
    return Machine(
        "AARCH64",
        [*range(31), sp, pstate],
        pc=pc,
        sp=sp,
        link=30,
        frame_pointer=29,
        callee_saved=range(19, 31),
        prstatus=saved,
        pt_regs=saved,
        order=order,
    )


def _arm(order: str) -> Machine:
    # DWARF for the Arm Architecture, section 3.1. struct pt_regs: r0 to r15, and cpsr.
    saved = Layout(f"{order}17I", _whole(range(16)))
    return Machine(
        "ARM",
        range(16),
        pc=15,
        sp=13,
        link=14,
        callee_saved=[*range(4, 12), 14],
        prstatus=saved,
        pt_regs=saved,
        word=4,
        order=order,
    )


def _ppc64(order: str) -> Machine:
    # 64-Bit ELF V2 ABI Specification, table 2.30. struct pt_regs: gpr[32], nip, msr,
    # orig_gpr3, ctr, link, xer, ccr, whose fields are registers of their own.
    pc, lr, cr, ccr = _UNNUMBERED, 65, range(68, 76), 38
    places = [
        *_whole([*range(32), pc, None, None, None, lr]),
        *((ccr, number, 0xF0000000 >> 4 * i) for i, number in enumerate(cr)),
    ]
    saved = Layout(f"{order}39Q", places)
    return Machine(
        "PPC64",
        [*range(32), lr, *cr],
        pc=pc,
        sp=1,
        link=lr,
        callee_saved=[*range(14, 32), lr, *cr[2:5]],
        prstatus=saved,
        pt_regs=saved,
        order=order,
    )


def _s390x(order: str) -> Machine:
    # s390x ELF ABI Supplement, table 1.13. s390_regs: psw, gprs[16], acrs[16];
    # struct pt_regs: args[1], psw, gprs[16].
    gprs, access, pswm, pswa = range(16), range(48, 64), 64, 65
    return Machine(
        "S390X",
        [*gprs, *access, pswm, pswa],
        pc=pswa,
        sp=15,
        link=14,
        callee_saved=range(6, 16),
        prstatus=Layout(f"{order}18Q16I", _whole([pswm, pswa, *gprs, *access])),
        pt_regs=Layout(f"{order}19Q", _whole([None, pswm, pswa, *gprs])),
        order=order,
    )


_MACHINES: dict[str, tuple[Callable[[str], Machine], int]] = {
    "X86_64": (_x86_64, 8),
    "AARCH64": (_aarch64, 8),
    "ARM": (_arm, 4),
    "PPC64": (_ppc64, 8),
    "S390X": (_s390x, 8),
}
"""Architecture -> what makes its Machine, and bytes of an address."""


@cache
def _machine(architecture: str, order: str) -> Machine:
    return _MACHINES[architecture][0](order)


def machine_of(platform: Platform) -> Machine | None:
    """The machine of a platform; None if its stacks cannot be unwound."""
    name = platform.arch.name
    if name not in _MACHINES or platform.address_size != _MACHINES[name][1]:
        return None
    return _machine(name, "<" if platform.is_little_endian else ">")
