"""How far a file was moved when it was loaded: what to add to its addresses.

It is None where the file has no place, which a debug message explains.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .. import log
from ..elf import constants as elf
from .placement import file_range

if TYPE_CHECKING:
    from ..elf.file import ElfFile

_MASK = 2**64 - 1


def bias_of_dynamic(file: ElfFile, address: int) -> int | None:
    """By the address of the dynamic section."""
    for segment in file.segments:
        if segment.type == elf.PT_DYNAMIC:
            bias = (address - segment.vaddr) & _MASK
            log.debug("got bias %#x from PT_DYNAMIC program header", bias)
            return bias
    log.debug("file does not have PT_DYNAMIC program header")
    return None


def bias_of_start(file: ElfFile, start: int) -> int:
    """By the address of what is loaded first."""
    bias = (start - file_range(file)[0]) & _MASK
    log.debug("got bias %#x from ELF start address", bias)
    return bias


def bias_of_headers(file: ElfFile, address: int) -> int | None:
    """By the address of the program headers (AT_PHDR of the auxiliary vector)."""
    layout, position = ("Q", 32) if file.is_64 else ("I", 28)
    offset: int = struct.unpack_from(file.order + layout, file.data, position)[0]
    for segment in file.segments:
        if (
            segment.type == elf.PT_LOAD
            and segment.offset <= offset < segment.offset + max(segment.filesz, 1)
        ) and offset:
            return (address - (segment.vaddr + offset - segment.offset)) & _MASK
    log.debug("file does not have loadable segment containing e_phoff")
    # A kernel or firmware. What is not relocatable is where it was linked to be.
    return 0 if file.type == elf.ET_EXEC else None
