"""Machine code in words: ``x/i`` and ``disassemble``, by binutils' ``objdump``.

It has the disassembler that GDB has; what addresses mean is added here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from typing import NamedTuple

import drgn

from .errors import MemoryError, error
from .session import Session

MACHINES = {
    "X86_64": "i386:x86-64",
    "I386": "i386",
    "AARCH64": "aarch64",
    "ARM": "arm",
    "PPC64": "powerpc:common64",
    "S390X": "s390:64-bit",
    "S390": "s390:31-bit",
    "RISCV64": "riscv:rv64",
    "RISCV32": "riscv:rv32",
}
"""Names of architectures for GDB and ``objdump``."""
_LONGEST = 16
"""Bytes of an instruction, at most."""
_MOST = 1 << 24
_LINE = re.compile(r"\s*([0-9a-f]+):\t([0-9a-f ]+)(?:\t(.*))?")
_TARGET = re.compile(
    r"(?:# |(?:^|\s)(?:j[a-z]+|call[a-z]*|loop[a-z]*|xbegin|bl?|b\.[a-z]+)\s+)"
    r"(0x[0-9a-f]+)$"
)


class Instruction(NamedTuple):
    """An instruction, in the words of the setting ``disassembly-flavor``."""

    address: int
    octets: bytes
    text: str


def instructions(session: Session, start: int, end: int) -> list[Instruction]:
    """The instructions that begin from ``start`` to before ``end``.

    Raises ``gdb.MemoryError`` if the first cannot be read, and ``gdb.error`` where no
    disassembler is installed, or none for the program's machine.
    """
    if end - start > _MOST:
        raise error(f"{end - start} bytes are too many to disassemble.")
    data = _readable(session, start, end - start + _LONGEST)
    found = _disassembled(session, start, data)
    return [each for each in found if each.address < end]


def counted(session: Session, start: int, count: int) -> list[Instruction]:
    """So many instructions, or as many as can be read; errors as `instructions()`."""
    return instructions(session, start, start + count * _LONGEST)[:count]


def _readable(session: Session, address: int, size: int) -> bytes:
    try:
        return session.prog.read(address, size)
    except drgn.FaultError as fault:
        readable = fault.address - address
    if not 0 < readable < size:
        raise MemoryError(f"Cannot access memory at address {address:#x}")
    return session.prog.read(address, readable)


def _disassembled(session: Session, start: int, data: bytes) -> list[Instruction]:
    platform = session.prog.platform
    machine = None if platform is None else MACHINES.get(platform.arch.name)
    objdump = shutil.which("objdump")
    if objdump is None:
        raise error("Instructions cannot be shown: objdump (binutils) is not there.")
    command = [objdump, "-D", "-z", "-w", "-b", "binary", "-m", str(machine)]
    if session.settings["disassembly-flavor"] == "intel":
        command += ["-M", "intel"]
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        done = subprocess.run(
            [*command, f"--adjust-vma={start:#x}", file.name],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise error("Instructions cannot be shown: objdump does not know the machine.")
    found = []
    for line in done.stdout.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None:
            text = _with_symbol(session, (match[3] or "").rstrip())
            octets = bytes.fromhex(match[2])
            found.append(Instruction(int(match[1], 16), octets, text))
    return found


def _with_symbol(session: Session, text: str) -> str:
    match = _TARGET.search(text)
    symbol = session.lookups.symbol_text(int(match[1], 16)) if match else ""
    return f"{text} {symbol}" if symbol else text
