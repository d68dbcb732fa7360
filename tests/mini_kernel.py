"""A kernel of a few pages: its vmlinux, and machines in whose memory it lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from drgn.engine.elf.constants import PT_LOAD
from drgn.engine.elf.file import open_elf
from drgn.engine.kernel.guest import Guest
from drgn.engine.kernel.kaslr import ControlRegisters
from drgn.engine.memory.segments import BufferSegment
from drgn.engine.memory.space import AddressSpace
from drgn.engine.memory.x86_64 import X86_64PageTable

START = 0xFFFFFFFF81000000
_PRESENT, _PSE = 1, 1 << 7
_PG, _LA57 = 1 << 31, 1 << 12

_SOURCE = """
#define IN(name) __attribute__((section(name), used))
const char linux_banner[] = "Linux version @RELEASE@ (us@here) #1 SMP\\n";
IN(".init.text") void start(void) {}
IN("__param") int parameter = 1;
unsigned long phys_base = 0;
unsigned long page_offset_base = 0;
unsigned char *vmcoreinfo_data = 0;
unsigned long vmcoreinfo_size = 0;
unsigned long init_top_pgt[512] __attribute__((aligned(4096))) = { 1 };
"""
_SCRIPT = """
SECTIONS {
    . = 0xffffffff81000000;
    .text : { *(.text) *(.init.text.none) LONG(0x90909090) . = ALIGN(4096); }
    .rodata : { *(.rodata*) }
    .notes : { *(.note.gnu.build-id) }
    . = ALIGN(0x200000);
    .data : { *(.data*) *(.bss*) . = ALIGN(4096); }
    .init.text : { *(.init.text) }
    __param : { *(__param) }
    /DISCARD/ : { *(.comment) *(.eh_frame) *(.note.*) }
}
"""


def build(
    compile_c: Callable[..., Path], directory: Path, release: str = "6.1.0-mini"
) -> Path:
    """The vmlinux of a kernel that is linked as Linux is."""
    script = directory / "kernel.lds"
    script.write_text(_SCRIPT)
    return compile_c(
        _SOURCE.replace("@RELEASE@", release), "-g", "-O1", "-nostdlib", "-static",
        "-no-pie", "-mcmodel=kernel", "-fno-pie", "-Wl,--build-id=sha1", "-Wl,-e,start",
        f"-Wl,-T,{script}",
    )  # fmt: skip


class Machine(Guest):
    """Memory with a kernel in it, moved by ``slide`` and lying at ``base``.

    ``page`` is the size of the pages that map it. As KASLR does, ``slide`` is a
    multiple of 2 MiB.
    """

    RAM = 32 << 20

    def __init__(
        self,
        vmlinux: Path,
        slide: int,
        base: int,
        *,
        levels: int = 4,
        page: int = 1 << 21,
    ) -> None:
        self.ram = bytearray(self.RAM)
        self.physical = AddressSpace("physical ")
        self.physical.add(BufferSegment(0, self.RAM, memoryview(self.ram)))
        self.levels = levels
        self.slide, self.base = slide, base
        self._next = 0x20000
        self.root = self.new_table(8192)
        self.registers = [ControlRegisters(self.root, _PG, _LA57 * (levels == 5))]
        size = 0
        for segment in open_elf(vmlinux).segments:
            if segment.type == PT_LOAD:
                at = base + segment.vaddr - START
                data = open_elf(vmlinux).data
                self.ram[at : at + segment.filesz] = data[
                    segment.offset : segment.offset + segment.filesz
                ]
                size = max(size, segment.vaddr - START + segment.memsz)
        for offset in range(0, size, page):
            self.map(START + slide + offset, base + offset, page)

    def new_table(self, size: int = 4096) -> int:
        """The address of a new page table, aligned to its size."""
        table = self._next + -self._next % size
        self._next = table + size
        return table

    def map(
        self, virtual: int, physical: int, page: int, root: int | None = None
    ) -> None:
        """Map one page of 4 KiB, 2 MiB or 1 GiB."""
        table = self.root if root is None else root
        last = {1 << 12: 12, 1 << 21: 21, 1 << 30: 30}[page]
        for shift in range(12 + 9 * (self.levels - 1), last, -9):
            place = table + 8 * (virtual >> shift & 511)
            entry = self._word(place)
            if not entry:
                entry = self.new_table() | _PRESENT
                self.write_word(place, entry)
            table = entry & ~0xFFF
        leaf = _PRESENT if last == 12 else _PRESENT | _PSE
        self.write_word(table + 8 * (virtual >> last & 511), physical | leaf)

    def _word(self, at: int) -> int:
        return int.from_bytes(self.ram[at : at + 8], "little")

    def write_word(self, at: int, value: int) -> None:
        """Write 8 bytes of physical memory."""
        self.ram[at : at + 8] = (value & 2**64 - 1).to_bytes(8, "little")

    def at(self, linked: int) -> int:
        """The physical address of something in the kernel."""
        return self.base + linked - START

    def control_registers(self) -> Sequence[ControlRegisters]:
        return self.registers

    def reads(self) -> Sequence[Callable[[int, int], bytes]]:
        space = AddressSpace("physical ")
        space.add(BufferSegment(0, self.RAM, memoryview(self.ram)))

        def reader(root: int) -> Callable[[int, int], bytes]:
            table = X86_64PageTable(space, root, self.levels)

            def read(address: int, size: int) -> bytes:
                where, left = table.lookup(address)
                if size > left:
                    return read(address, left) + read(address + left, size - left)
                return space.read(where, size)

            return read

        return [reader(cpu.cr3 & ~0xFFF) for cpu in self.registers]
