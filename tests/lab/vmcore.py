"""QEMU's ELF dump of a guest, as far as writing other formats of it takes.

Stands apart from the engine on purpose: what tests the engine must not be it.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

PAGE_SIZE = 4096
START_KERNEL_MAP = 0xFFFFFFFF80000000

Bytes = npt.NDArray[np.uint8]


class Vmcore:
    """Physical memory, notes, and vmcoreinfo of an x86_64 ELF dump.

    ``notes``: the PT_NOTE segment. ``segments``: (physical address, bytes as uint8
    array) of each PT_LOAD, page-aligned. ``vmcoreinfo``: ``KEY(name)`` -> text.
    """

    def __init__(self, path: Path) -> None:
        self._file: Bytes = np.memmap(path, np.uint8, "r")
        head = self._file[:64].tobytes()
        (phoff,) = struct.unpack_from("<Q", head, 32)
        (phnum,) = struct.unpack_from("<H", head, 56)
        self.notes = b""
        self.segments: list[tuple[int, Bytes]] = []
        for index in range(phnum):
            at = phoff + 56 * index
            kind, _, offset, _, paddr, filesz, _, _ = struct.unpack(
                "<IIQQQQQQ", self._file[at : at + 56].tobytes()
            )
            content = self._file[offset : offset + filesz]
            if kind == 4:  # PT_NOTE
                self.notes = content.tobytes()
            elif kind == 1 and filesz:  # PT_LOAD
                self.segments.append((paddr, content))
        self.vmcoreinfo_offset, self.vmcoreinfo_size = self._find_vmcoreinfo()
        text = self.notes[self.vmcoreinfo_offset :][: self.vmcoreinfo_size].decode()
        self.vmcoreinfo = dict(
            line.split("=", 1) for line in text.splitlines() if "=" in line
        )

    def _find_vmcoreinfo(self) -> tuple[int, int]:
        """(offset in notes, size) of the VMCOREINFO note's descriptor; 0 without."""
        at = 0
        while at + 12 <= len(self.notes):
            namesz, descsz, _ = struct.unpack_from("<III", self.notes, at)
            name = self.notes[at + 12 : at + 12 + namesz].rstrip(b"\0")
            start = at + 12 + (namesz + 3 & ~3)
            if name == b"VMCOREINFO":
                return start, descsz
            at = start + (descsz + 3 & ~3)
        return at, 0

    @property
    def max_pfn(self) -> int:
        """One more than the highest page frame number."""
        return max((start + len(data)) // PAGE_SIZE for start, data in self.segments)

    def symbol(self, name: str) -> int:
        return int(self.vmcoreinfo[f"SYMBOL({name})"], 16)

    def number(self, kind: str, name: str) -> int:
        return int(self.vmcoreinfo[f"{kind}({name})"], 0)

    def read_physical(self, address: int, size: int) -> Bytes:
        for start, data in self.segments:
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        raise ValueError(f"physical address {address:#x} is not in the dump")

    def _entry(self, address: int) -> int:
        return int(self.read_physical(address, 8).view("<u8")[0])

    def translate(self, address: int) -> tuple[int, int]:
        """(physical address, bytes left in its page) of a kernel address.

        Intel SDM volume 3, 4.5: four or five levels of 512 entries.
        """
        table = (
            self.symbol("swapper_pg_dir")
            - START_KERNEL_MAP
            + self.number("NUMBER", "phys_base")
        )
        # Not in those of older kernels, which cannot choose.
        five = int(self.vmcoreinfo.get("NUMBER(pgtable_l5_enabled)", 0))
        for shift in (48, 39, 30, 21, 12)[0 if five else 1 :]:
            entry = self._entry(table + 8 * (address >> shift & 511))
            if not entry & 1:
                raise ValueError(f"virtual address {address:#x} is not mapped")
            table = entry & 0x000FFFFFFFFFF000
            if shift == 12 or (entry & 0x80 and shift <= 30):
                inside = address & ((1 << shift) - 1)
                base = table & ~((1 << shift) - 1)
                return base + inside, (1 << shift) - inside
        raise AssertionError("unreachable")

    def read(self, address: int, size: int) -> bytes:
        """Bytes at a kernel virtual address."""
        parts = []
        while size:
            physical, left = self.translate(address)
            count = min(size, left)
            parts.append(self.read_physical(physical, count).tobytes())
            address, size = address + count, size - count
        return b"".join(parts)

    def utsname(self) -> bytes:
        """The six 65-byte fields of init_uts_ns.name (struct new_utsname)."""
        address = self.symbol("init_uts_ns")
        if "OFFSET(uts_namespace.name)" in self.vmcoreinfo:
            offset = self.number("OFFSET", "uts_namespace.name")
        else:  # Before v5.11 it is not told: the name of the system begins it.
            offset = self.read(address, 64).index(b"Linux\0")
        return self.read(address + offset, 6 * 65)
