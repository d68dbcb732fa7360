"""The modules of a process or of its core dump.

The main module is found through the auxiliary vector, the vDSO through AT_SYSINFO_EHDR
and the shared libraries through the dynamic linker's list (``struct r_debug`` and
``struct link_map`` of <link.h>, where DT_DEBUG points).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from .. import log
from ..elf import constants as elf
from ..elf.notes import iter_notes
from ..errors import FaultError
from .module import Module, SharedLibraryModule, VdsoModule

if TYPE_CHECKING:
    from ..program import Program
    from ..targets.base import Mapping

_MAX_HEADERS = 65535
_MAX_DYNAMIC = 1 << 16
_MAX_LINK_MAPS = 1 << 16
_MASK = 2**64 - 1


class _Header(NamedTuple):
    """A program header in memory."""

    type: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int
    align: int


class _Reader:
    """Reads structures of the program's word size and byte order."""

    def __init__(self, prog: Program) -> None:
        self.prog = prog
        self.is_64 = prog._is_64_bit()
        self.little_endian = prog._is_little_endian()
        self.order = "<" if self.little_endian else ">"
        self.word = 8 if self.is_64 else 4
        self.word_code = "Q" if self.is_64 else "I"

    def read(self, address: int, size: int) -> bytes:
        """Read memory; FaultError if it cannot be read."""
        return self.prog._memory.read(address, size)

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Read ``count`` words."""
        layout = f"{self.order}{count}{self.word_code}"
        return struct.unpack(layout, self.read(address, count * self.word))

    def headers(self, address: int, number: int) -> list[_Header]:
        """Read a table of program headers."""
        layout = struct.Struct(self.order + ("IIQQQQQQ" if self.is_64 else "8I"))
        data = self.read(address, layout.size * min(number, _MAX_HEADERS))
        headers = []
        for fields in layout.iter_unpack(data):
            if self.is_64:
                kind, _, offset, vaddr, _, filesz, memsz, align = fields
            else:
                kind, offset, vaddr, _, filesz, memsz, _, align = fields
            headers.append(_Header(kind, offset, vaddr, filesz, memsz, align))
        return headers

    def elf_headers(self, address: int) -> list[_Header] | None:
        """The program headers of an ELF image in memory, None if it is none."""
        layout = struct.Struct(
            self.order + ("16sHHIQQQIHHHHHH" if self.is_64 else "16sHHIIIIIHHHHHH")
        )
        fields = layout.unpack(self.read(address, layout.size))
        ident, phoff, phentsize, phnum = fields[0], fields[5], fields[9], fields[10]
        if ident[:4] != elf.ELFMAG or phentsize != (56 if self.is_64 else 32):
            return None
        return self.headers(address + phoff, phnum)

    def dynamic(self, address: int, size: int) -> Iterator[tuple[int, int]]:
        """Tag and value of the entries of a dynamic section."""
        entry = 2 * self.word
        for i in range(min(size // entry, _MAX_DYNAMIC)):
            tag, value = self.words(address + i * entry, 2)
            if tag == elf.DT_NULL:
                return
            yield tag, value

    def build_id(self, headers: list[_Header], bias: int) -> bytes | None:
        """The build ID in the notes of an image, None if there is none."""
        for header in headers:
            if header.type != elf.PT_NOTE:
                continue
            address = (header.vaddr + bias) & _MASK
            try:
                data = self.read(address, min(header.filesz, 1 << 20))
            except FaultError:
                continue
            for name, kind, desc in iter_notes(data, header.align, self.little_endian):
                if name == b"GNU" and kind == elf.NT_GNU_BUILD_ID and len(desc):
                    log.debug("found build ID %s in note", desc.hex())
                    return bytes(desc)
        return None


def _address_range(
    headers: list[_Header], bias: int, page_size: int
) -> tuple[int, int] | None:
    """The addresses of an image, in whole pages as it was mapped."""
    loads = [header for header in headers if header.type == elf.PT_LOAD]
    if not loads:
        return None
    start = (loads[0].vaddr + bias) & _MASK & -page_size
    last = loads[-1].vaddr + loads[-1].memsz + bias
    end = (last + page_size - 1) & _MASK & -page_size
    return (start, end) if start < end else None


class _Loaded:
    """What a process has loaded, found out step by step."""

    def __init__(self, prog: Program) -> None:
        assert prog._target is not None
        self.prog = prog
        self.reader = _Reader(prog)
        self.auxv = prog._target.auxv()
        self.mappings = list(prog._target.mappings())
        for mapping in self.mappings:
            log.debug(
                "found %#x-%#x %#x %s",
                mapping.start,
                mapping.end,
                mapping.file_offset,
                mapping.path,
            )
        # Address and size of the main module's dynamic section.
        self.dynamic: tuple[int, int] | None = None
        self.vdso_dynamic: int | None = None

    def modules(self) -> Iterator[tuple[Module, bool]]:
        main = self.main()
        if main is not None:
            yield main
        vdso = self.vdso()
        if vdso is not None:
            yield vdso
        try:
            yield from self.libraries()
        except FaultError as error:
            log.debug("couldn't read the list of shared libraries: %s", error)

    # Main module.

    def main(self) -> tuple[Module, bool] | None:
        phdr = self.auxv.get(elf.AT_PHDR)
        if phdr is None:
            log.warning("auxiliary vector has no AT_PHDR")
            return None
        mapping = self._mapping(phdr)
        if mapping is None:
            # Not every core dump has an NT_FILE note.
            log.debug("AT_PHDR is not mapped from a file")
        else:
            log.debug(
                "AT_PHDR is mapped from file %s at offset %#x",
                mapping.path,
                phdr - mapping.start + mapping.file_offset,
            )
        name = "" if mapping is None else mapping.path
        module, new = self.prog._modules.get_or_create_main(name)
        log.debug("reading program header table from AT_PHDR")
        try:
            headers = self.reader.headers(phdr, self.auxv.get(elf.AT_PHNUM, 0))
        except FaultError as error:
            log.debug("couldn't read program headers of the main module: %s", error)
            return module, new
        bias = self._main_bias(phdr, mapping, headers)
        if bias is not None:
            log.debug("main bias is %#x", bias)
        for header in headers:
            if header.type == elf.PT_DYNAMIC and bias is not None:
                self.dynamic = (header.vaddr + bias) & _MASK, header.memsz
                log.debug("main dynamic section is at %#x", self.dynamic[0])
        if new and bias is not None:
            self._describe(module, headers, bias)
        return module, new

    def _main_bias(
        self, phdr: int, mapping: Mapping | None, headers: list[_Header]
    ) -> int | None:
        for header in headers:
            if header.type == elf.PT_PHDR:
                return (phdr - header.vaddr) & _MASK
        if mapping is None:
            return None
        offset = phdr - mapping.start + mapping.file_offset
        for header in headers:
            if header.type == elf.PT_LOAD and (
                header.offset <= offset < header.offset + header.filesz
            ):
                return (phdr - (header.vaddr + offset - header.offset)) & _MASK
        return None

    def _mapping(self, address: int) -> Mapping | None:
        for mapping in self.mappings:
            if mapping.start <= address < mapping.end:
                return mapping
        return None

    def _describe(self, module: Module, headers: list[_Header], bias: int) -> None:
        """Tell a new module where it is and what its build ID is."""
        page_size = self.auxv.get(elf.AT_PAGESZ, 4096)
        if page_size <= 0 or page_size & (page_size - 1):
            page_size = 4096
        build_id = self.reader.build_id(headers, bias)
        if build_id is not None:
            module._build_id = build_id
        mapped = _address_range(headers, bias, page_size)
        if mapped is None:
            return
        try:
            module.address_range = mapped
        except ValueError as error:  # Two images cannot be in one place.
            log.debug("%s", error)
        else:
            log.debug("got address range %#x-%#x from mapped program headers", *mapped)

    # vDSO.

    def vdso(self) -> tuple[Module, bool] | None:
        address = self.auxv.get(elf.AT_SYSINFO_EHDR)
        if not address:
            return None
        log.debug("reading vDSO ELF header from AT_SYSINFO_EHDR")
        try:
            headers = self.reader.elf_headers(address)
            if headers is None:
                return None
            bias = next(
                (address - (header.vaddr - header.offset)) & _MASK
                for header in headers
                if header.type == elf.PT_LOAD
            )
            section = next(
                header for header in headers if header.type == elf.PT_DYNAMIC
            )
            dynamic = (section.vaddr + bias) & _MASK
            log.debug("vDSO bias is %#x, dynamic section is at %#x", bias, dynamic)
            name = self._soname(dynamic, section.memsz, bias)
        except (FaultError, StopIteration) as error:
            log.debug("couldn't read the vDSO: %s", error)
            return None
        if name is None:
            return None
        log.debug('read vDSO soname "%s"', name)
        self.vdso_dynamic = dynamic
        module, new = self.prog._modules.get_or_create(VdsoModule, name, dynamic)
        if new:
            self._describe(module, headers, bias)
        return module, new

    def _soname(self, dynamic: int, size: int, bias: int) -> str | None:
        entries = dict(self.reader.dynamic(dynamic, size))
        if elf.DT_SONAME not in entries or elf.DT_STRTAB not in entries:
            return None
        # The vDSO is not relocated in memory.
        address = (entries[elf.DT_STRTAB] + bias + entries[elf.DT_SONAME]) & _MASK
        return os.fsdecode(self.prog._memory.read_c_string(address, 4096))

    # Shared libraries.

    def libraries(self) -> Iterator[tuple[Module, bool]]:
        link_map = self._first_link_map()
        seen: set[int] = set()
        while link_map and link_map not in seen and len(seen) < _MAX_LINK_MAPS:
            seen.add(link_map)
            start, name_at, dynamic, link_map = self.reader.words(link_map, 4)
            main = self.dynamic is not None and dynamic == self.dynamic[0]
            if main or dynamic == self.vdso_dynamic:
                image = "main" if main else "vDSO"
                log.debug("l_ld matches %s dynamic section; skipping", image)
                continue
            name = os.fsdecode(self.prog._memory.read_c_string(name_at, 4096))
            log.debug(
                "read link_map = "
                '{ .l_addr = %#x, .l_name = %#x = "%s", .l_ld = %#x, .l_next = %#x }',
                start,
                name_at,
                name,
                dynamic,
                link_map,
            )
            yield self._library(name, start, dynamic)
        if seen and not link_map:
            log.debug("found end of link_map list")

    def _first_link_map(self) -> int:
        if self.dynamic is None:
            return 0
        log.debug("reading main dynamic section")
        for tag, value in self.reader.dynamic(*self.dynamic):
            if tag == elf.DT_DEBUG and value:
                log.debug("found DT_DEBUG %#x", value)
                version, link_map = self.reader.words(value, 2)
                version &= 0xFFFFFFFF
                log.debug(
                    "read r_debug = { .r_version = %d, .r_map = %#x }",
                    version,
                    link_map,
                )
                return link_map if version else 0
        return 0

    def _library(self, name: str, bias: int, dynamic: int) -> tuple[Module, bool]:
        module, new = self.prog._modules.get_or_create(
            SharedLibraryModule, name, dynamic
        )
        if new:
            try:
                self._place_library(module, bias, dynamic)
            except FaultError as error:
                log.debug("couldn't read headers of %s: %s", name, error)
        return module, new

    def _place_library(self, module: Module, bias: int, dynamic: int) -> None:
        # The ELF header is in the first mapping of the file, where it is offset 0.
        mapping = self._mapping(dynamic)
        start = bias
        if mapping is not None:
            for other in self.mappings:
                if other.path == mapping.path and other.file_offset == 0:
                    start = other.start
                    break
        headers = self.reader.elf_headers(start)
        if headers is not None:
            self._describe(module, headers, bias)


def loaded_modules(prog: Program) -> Iterator[tuple[Module, bool]]:
    """The modules that are loaded, main and vDSO first, and whether each is new."""
    return _Loaded(prog).modules()
