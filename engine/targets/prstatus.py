"""The process notes of ELF core dumps (Linux's include/linux/elfcore.h)."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from ..errors import BadDataError
from .base import Mapping, TargetThread

if TYPE_CHECKING:
    from ..platform import Platform

NT_PRSTATUS = 1
NT_PRPSINFO = 3
NT_AUXV = 6
NT_FILE = 0x46494C45

# Offsets in struct elf_prstatus and struct elf_prpsinfo, by the size of a long.
_PR_PID = {4: 24, 8: 32}
_PR_REG = {4: 72, 8: 112}
_PSINFO_PID = {4: 12, 8: 24}
_PSINFO_FNAME = {4: 28, 8: 40}
_FNAME_SIZE = 16


def thread_of(desc: memoryview, platform: Platform, where: str) -> TargetThread:
    """The thread that an NT_PRSTATUS note is about.

    Raises BadDataError, beginning with ``where``, if the note is too short.
    """
    word = platform.address_size
    start = _PR_PID[word]
    if len(desc) < start + 4:
        raise BadDataError(f"{where}: NT_PRSTATUS is truncated")
    order = "<" if platform.is_little_endian else ">"
    tid = struct.unpack_from(order + "I", desc, start)[0]
    # After the registers comes int pr_fpvalid, padded to a long.
    registers = desc[_PR_REG[word] : max(len(desc) - word, _PR_REG[word])]
    return TargetThread(tid, None, desc, registers if len(registers) else None)


def main_of(desc: memoryview, platform: Platform, where: str) -> tuple[int, str]:
    """The process ID and the name in an NT_PRPSINFO note; BadDataError if short."""
    word = platform.address_size
    name = _PSINFO_FNAME[word]
    if len(desc) < name + _FNAME_SIZE:
        raise BadDataError(f"{where}: NT_PRPSINFO is truncated")
    order = "<" if platform.is_little_endian else ">"
    pid = struct.unpack_from(order + "I", desc, _PSINFO_PID[word])[0]
    fname = bytes(desc[name : name + _FNAME_SIZE]).partition(b"\0")[0]
    return pid, fname.decode(errors="backslashreplace")


def auxv_of(desc: memoryview | bytes, platform: Platform) -> dict[int, int]:
    """The auxiliary vector in an NT_AUXV note or ``/proc/PID/auxv``."""
    pair = struct.Struct(
        ("<" if platform.is_little_endian else ">")
        + ("QQ" if platform.is_64_bit else "II")
    )
    auxv = {}
    for key, value in pair.iter_unpack(desc[: len(desc) // pair.size * pair.size]):
        if key == 0:
            break
        auxv[key] = value
    return auxv


def mappings_of(desc: memoryview, platform: Platform, where: str) -> list[Mapping]:
    """The mapped files in an NT_FILE note (``fill_files_note`` in binfmt_elf.c).

    Raises BadDataError if the note is too short for the files that it counts.
    """
    order = "<" if platform.is_little_endian else ">"
    letter = "Q" if platform.is_64_bit else "I"
    header = struct.Struct(order + 2 * letter)
    entry = struct.Struct(order + 3 * letter)
    if len(desc) < header.size:
        raise BadDataError(f"{where}: NT_FILE is truncated")
    count, page_size = header.unpack_from(desc)
    names = header.size + count * entry.size
    if names > len(desc):
        raise BadDataError(f"{where}: NT_FILE is truncated")
    paths = bytes(desc[names:]).split(b"\0")
    if count > len(paths):
        raise BadDataError(f"{where}: NT_FILE is truncated")
    return [
        Mapping(start, end, page * page_size, os.fsdecode(path))
        for (start, end, page), path in zip(
            entry.iter_unpack(desc[header.size : names]), paths, strict=False
        )
    ]
