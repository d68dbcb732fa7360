"""Machine code of x86-64 for what a temporary kernel module does.

Encodings: Intel's Software Developer's Manual, volume 2; calls: x86-64 psABI, 3.2.3.
There is no indirect branch in it, so that it needs neither thunks (retpolines) nor, in
the functions that it calls, landing pads (IBT).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from drgn.helpers.experimental._kmodify_elf import R_X86_64_PC32, Relocation

__all__ = ("Code", "Data")

_RAX, _RDX, _RSI, _RDI = 0, 2, 6, 7
# Of integer arguments: rdi, rsi, rdx, rcx, r8, r9.
_ARGUMENTS = (_RDI, _RSI, _RDX, 1, 8, 9)


@dataclass(frozen=True)
class Data:
    """An address in the module's data, as an argument."""

    offset: int


class Code:
    """A function ``int (void)`` that grows by what it is to do.

    :param data: Name of the section that a :class:`Data` is in.
    """

    def __init__(self, data: str) -> None:
        self._data = data
        self._text = bytearray(
            b"\xf3\x0f\x1e\xfa"  # endbr64: it is called through a pointer
            b"\x55"  # push %rbp
            b"\x48\x89\xe5"  # mov %rsp, %rbp
        )
        self.relocations: list[Relocation] = []
        self._to_end: list[int] = []

    def call(self, address: int, *arguments: int | Data, result: int = -1) -> None:
        """Call a function of integers and pointers.

        :param address: Where the function is, at most 2 GB from the module.
        :param result: Offset in the data for the 8 bytes of what it returns.
        """
        on_stack = arguments[len(_ARGUMENTS) :]
        for argument in reversed(on_stack):
            self._load(_RAX, argument)
            self._text += b"\x50"  # push %rax
        for register, argument in zip(_ARGUMENTS, arguments, strict=False):
            self._load(register, argument)
        # %al: how many vector registers a variadic function is given.
        self._text += b"\x31\xc0\xe8"  # xor %eax, %eax; call
        self._relative(address)
        if on_stack:
            self._text += b"\x48\x81\xc4"  # add $size, %rsp
            self._text += struct.pack("<I", 8 * len(on_stack))
        if result >= 0:
            self._text += b"\x48\x89\x05"  # mov %rax, data(%rip)
            self._relative(self._data, result)

    def end_unless_zero(self) -> None:
        """Go to :meth:`end` if the last function returned anything but 0."""
        self._text += b"\x48\x85\xc0\x0f\x85"  # test %rax, %rax; jne
        self._to_end.append(len(self._text))
        self._text += bytes(4)

    def set_bit(self, address: int, bit: int, value: bool) -> None:
        """Write one bit of the byte at an address, and no other bit, atomically."""
        self._load(_RAX, address)
        if value:
            self._text += bytes([0xF0, 0x80, 0x08, 1 << bit])  # lock orb, (%rax)
        else:
            self._text += bytes([0xF0, 0x80, 0x20, 0xFF ^ 1 << bit])  # lock andb

    def end(self, copy: int, user: int, size: int, done: int, failed: int) -> bytes:
        """Copy the beginning of the data to user space and return; give the text.

        :param copy: Address of a function as ``_copy_to_user()``.
        :param done: What to return when all is copied.
        :param failed: What to return otherwise.
        """
        for place in self._to_end:
            self._text[place : place + 4] = struct.pack(
                "<i", len(self._text) - place - 4
            )
        if size:
            self.call(copy, user, Data(0), size)
            self._text += b"\x48\x85\xc0"  # test %rax, %rax
        else:
            self._text += b"\x31\xc0"  # xor %eax, %eax
        self._text += b"\xb8" + struct.pack("<i", done)  # mov $done, %eax
        self._text += b"\x74\x05"  # je over the next
        self._text += b"\xb8" + struct.pack("<i", failed)
        # leave; ret; int3 against straight-line speculation
        self._text += b"\xc9\xc3\xcc"
        return bytes(self._text)

    def _load(self, register: int, value: int | Data) -> None:
        if isinstance(value, Data):
            rex = 0x48 | (register >> 3) << 2
            self._text += bytes([rex, 0x8D, (register & 7) << 3 | 5])  # lea
            self._relative(self._data, value.offset)
        else:
            self._text += bytes([0x48 | register >> 3, 0xB8 | register & 7])  # movabs
            self._text += struct.pack("<Q", value & (1 << 64) - 1)

    def _relative(self, target: str | int, offset: int = 0) -> None:
        # They count from the end of the four bytes.
        self.relocations.append(
            Relocation(len(self._text), R_X86_64_PC32, target, offset - 4)
        )
        self._text += bytes(4)
