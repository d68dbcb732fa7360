"""ORC, the unwind tables of x86-64 kernels since 4.14.

The format is that of arch/x86/include/asm/orc_types.h, whose bit fields have moved:

- to 6.2: ``sp_reg:4, bp_reg:4, type:2, end:1``; ``end`` is not in the oldest ones;
- 6.3: ``signal:1`` before ``end``;
- since 6.4: ``type:3, signal:1``, where ``type`` also says what ``end`` said;
- in 7.x the registers have other numbers, which an entry does not tell of itself.

Where the bits are is read from the debug information of ``struct orc_entry``. Without
it the version comes from the section ``.orc_header``, which only the newest kernels
have, and as the last resort from the kernel's release.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from operator import sub
from typing import TYPE_CHECKING, NamedTuple

from ..errors import BadDataError, FaultError
from ..types.kinds import TypeKind, TypeKindSet

if TYPE_CHECKING:
    from ..cache import Columns
    from ..elf.file import ElfFile
    from ..modules.module import Module
    from ..objects.object import Object
    from ..program import Program

# ORC_REG_*
REG_UNDEFINED = 0
REG_PREV_SP = 1
REG_DX = 2
REG_DI = 3
REG_BP = 4
REG_SP = 5
REG_R10 = 6
REG_R13 = 7
REG_BP_INDIRECT = 8
REG_SP_INDIRECT = 9
REG_AX = 10  # Since 7.x.
REG_UNKNOWN = 16

#: The numbers of 7.x -> those from before, above. Entries of 7.3 were checked: the
#: header's SHA-1 (scripts/orc_hash.sh) is that of these definitions.
_REGS_7 = (
    REG_UNDEFINED,
    REG_AX,
    REG_DX,
    REG_SP,
    REG_BP,
    REG_DI,
    REG_R10,
    REG_R13,
    REG_PREV_SP,
    REG_SP_INDIRECT,
    REG_BP_INDIRECT,
)
_REGS_BEFORE_7 = tuple(range(10))

# What an entry is about: ORC_TYPE_* of 6.4 and later.
UNDEFINED, END_OF_STACK, CALL, REGS, REGS_PARTIAL = range(5)

_ENTRY_SIZE = 6  # s16 sp_offset, s16 bp_offset, u16 of bit fields.
_MAX_ENTRIES = 1 << 24
_SAMPLE = 1 << 12
"""How many entries of a table are looked at for how their registers are numbered."""
_CACHE_VERSION = 1


class OrcEntry(NamedTuple):
    """How to get from a frame to its caller's, at a range of addresses."""

    kind: int
    sp_reg: int
    sp_offset: int
    bp_reg: int
    bp_offset: int
    is_signal: bool
    """Whether the caller was interrupted rather than calling."""


class OrcFormat(NamedTuple):
    """Where the bit fields are: (shift, mask) in the last 16 bits of an entry."""

    sp_reg: tuple[int, int]
    bp_reg: tuple[int, int]
    type: tuple[int, int]
    signal: tuple[int, int] | None
    end: tuple[int, int] | None
    registers: tuple[int, ...] = _REGS_BEFORE_7
    """By the number that an entry has, REG_*."""

    @property
    def type_says_end(self) -> bool:
        """Whether the types are those of 6.4 and later."""
        return self.type[1] == 7

    def decode(self, sp_offset: int, bp_offset: int, bits: int) -> OrcEntry:
        """An entry from its three 16-bit numbers."""

        def field(where: tuple[int, int] | None) -> int:
            return 0 if where is None else bits >> where[0] & where[1]

        sp_reg = self._register(field(self.sp_reg))
        kind = field(self.type)
        signal = bool(field(self.signal))
        if not self.type_says_end:
            if sp_reg == REG_UNDEFINED:
                kind = END_OF_STACK if field(self.end) else UNDEFINED
            else:
                kind += CALL
        if self.signal is None:
            signal = kind in (REGS, REGS_PARTIAL)
        bp_reg = self._register(field(self.bp_reg))
        return OrcEntry(kind, sp_reg, sp_offset, bp_reg, bp_offset, signal)

    def _register(self, number: int) -> int:
        # An unknown one is left, for nobody to know it.
        known = number < len(self.registers)
        return self.registers[number] if known else number + REG_UNKNOWN

    def of_entries(self, entries: Sequence[int]) -> OrcFormat:
        """The format with the registers' numbers as the entries of a table use them.

        Nearly all frames are found from SP, which was 5 and is 3; whichever number the
        other has, next to none are found from DI.
        """
        shift, mask = self.sp_reg
        step = max(1, len(entries) // 3 // _SAMPLE)
        bases = Counter(bits >> shift & mask for bits in entries[2 :: 3 * step])
        is_7 = bases[_REGS_7.index(REG_SP)] > bases[REG_SP]
        return self._replace(registers=_REGS_7) if is_7 else self


_SP, _BP = (0, 15), (4, 15)
FORMAT_4_14 = OrcFormat(_SP, _BP, (8, 3), None, (10, 1))
FORMAT_6_3 = OrcFormat(_SP, _BP, (8, 3), (10, 1), (11, 1))
FORMAT_6_4 = OrcFormat(_SP, _BP, (8, 7), (11, 1), None)


def order_of(relative: memoryview) -> array[int] | None:
    """The entries of an ``orc_unwind_ip`` table by their addresses, None if in order.

    The tables of old kernels' files, and of .ko files, are sorted when loaded.
    """
    if max(map(sub, relative, islice(relative, 1, None)), default=0) <= 4:
        return None
    addresses = [4 * i + ip for i, ip in enumerate(relative)]
    return array("I", sorted(range(len(addresses)), key=addresses.__getitem__))


class OrcTable:
    """A table of entries and the one of the addresses where each starts to hold.

    Addresses are those of the file if the table is a file's, else the program's.
    """

    __slots__ = ("_addresses", "_entries", "_format", "_order")

    def __init__(
        self,
        ips: memoryview,
        ips_address: int,
        entries: memoryview,
        fmt: OrcFormat,
        sort: Callable[[memoryview], Sequence[int] | None] = order_of,
    ) -> None:
        """Take ``orc_unwind_ip`` (s32, relative to itself) and ``orc_unwind``.

        ``sort``: does what `order_of` does. ValueError if the two do not fit together.
        """
        count = len(ips) // 4
        if len(ips) % 4 or len(entries) != count * _ENTRY_SIZE:
            raise ValueError("ORC tables have different lengths")
        self._entries = entries.cast("h")
        self._format = fmt.of_entries(self._entries)
        relative = ips.cast("i")
        self._addresses = _Addresses(relative, ips_address)
        self._order = sort(relative)

    def lookup(self, address: int) -> OrcEntry | None:
        """The entry that holds at an address, None before the first one."""
        addresses, order = self._addresses, self._order
        if order is None:
            i = bisect_right(addresses, address) - 1
        else:
            i = bisect_right(order, address, key=addresses.__getitem__) - 1
        if i < 0:
            return None
        if order is not None:
            i = order[i]
        sp_offset, bp_offset, bits = self._entries[3 * i : 3 * i + 3]
        return self._format.decode(sp_offset, bp_offset, bits & 0xFFFF)


class _Addresses(Sequence[int]):
    """The addresses that an ``orc_unwind_ip`` table stands for."""

    __slots__ = ("_base", "_relative")

    def __init__(self, relative: memoryview, base: int) -> None:
        self._relative = relative
        self._base = base

    def __len__(self) -> int:
        return len(self._relative)

    def __getitem__(self, index: int) -> int:  # type: ignore[override]
        return self._base + 4 * index + int(self._relative[index])


class KernelOrc:
    """The ORC tables of a kernel and its modules, read when they are first needed."""

    __slots__ = ("_format", "_prog", "_tables")

    def __init__(self, prog: Program) -> None:
        self._prog = prog
        self._format: OrcFormat | None = None
        # Module -> (table, whether it is in file addresses)
        self._tables: dict[Module, tuple[OrcTable, bool] | None] = {}

    def lookup(self, module: Module, address: int) -> OrcEntry | None:
        """The entry for an address in a module, None if nothing is known."""
        if module not in self._tables:
            self._tables[module] = self._load(module)
        found = self._tables[module]
        if found is None:
            return None
        table, is_file = found
        if is_file:
            file_address = module._to_file(address)
            if file_address is None:
                return None
            address = file_address
        return table.lookup(address)

    def _load(self, module: Module) -> tuple[OrcTable, bool] | None:
        try:
            if module is self._main():
                table = self._from_files(module)
                if table is not None:
                    return table, True
                table = self._from_kernel()
            else:
                table = self._from_module(module)
        except (AttributeError, LookupError, FaultError, ValueError, BadDataError):
            # Unwinding goes on without.
            return None
        return None if table is None else (table, False)

    def _main(self) -> Module | None:
        try:
            return self._prog.main_module()
        except LookupError:
            return None

    def _from_files(self, module: Module) -> OrcTable | None:
        for elf in (module._loaded_file, module._debug_file):
            if elf is None:
                continue
            section = elf.section(".orc_unwind_ip")
            ips, entries = elf.contents(".orc_unwind_ip"), elf.contents(".orc_unwind")
            if section is not None and len(ips) and len(entries):
                fmt = self._get_format(elf)
                return OrcTable(
                    ips, section.address, entries, fmt, partial(_order_in, elf)
                )
        return None

    def _from_kernel(self) -> OrcTable | None:
        """The tables in the memory of the kernel, between the linker's symbols."""
        prog = self._prog

        def bounds(name: str) -> tuple[int, int]:
            start = prog.symbol("__start_" + name).address
            return start, prog.symbol("__stop_" + name).address - start

        ips, ips_size = bounds("orc_unwind_ip")
        entries, entries_size = bounds("orc_unwind")
        return self._from_memory(ips, entries, ips_size // 4, entries_size)

    def _from_module(self, module: Module) -> OrcTable | None:
        """The tables of a loadable module: ``struct mod_arch_specific``."""
        obj: Object = module.object
        arch = obj.arch
        count = arch.num_orcs.value_()
        return self._from_memory(
            arch.orc_unwind_ip.value_(),
            arch.orc_unwind.value_(),
            count,
            count * _ENTRY_SIZE,
        )

    def _from_memory(
        self, ips: int, entries: int, count: int, entries_size: int
    ) -> OrcTable | None:
        if not 0 < count <= _MAX_ENTRIES or not 0 < entries_size < 1 << 28:
            return None
        read = self._prog._memory.read
        return OrcTable(
            memoryview(read(ips, 4 * count)),
            ips,
            memoryview(read(entries, entries_size)),
            self._get_format(None),
        )

    def _get_format(self, elf: ElfFile | None) -> OrcFormat:
        if self._format is None:
            self._format = self._format_from_type() or self._format_without_type(elf)
        return self._format

    def _format_from_type(self) -> OrcFormat | None:
        found = self._prog._find_type(TypeKindSet({TypeKind.STRUCT}), "orc_entry", None)
        if found is None or found.members is None:
            return None
        fields: dict[str | None, tuple[int, int]] = {}
        for member in found.members:
            if member.bit_field_size:
                shift = member.bit_offset - 32
                fields[member.name] = (shift, (1 << member.bit_field_size) - 1)
        try:
            return OrcFormat(
                fields["sp_reg"],
                fields["bp_reg"],
                fields["type"],
                fields.get("signal"),
                fields.get("end"),
            )
        except KeyError:
            return None

    def _format_without_type(self, elf: ElfFile | None) -> OrcFormat:
        if elf is not None and elf.section(".orc_header") is not None:
            return FORMAT_6_4
        release = _release(self._prog)
        if release >= (6, 4):
            return FORMAT_6_4
        return FORMAT_6_3 if release >= (6, 3) else FORMAT_4_14


def _order_in(elf: ElfFile, relative: memoryview) -> Sequence[int] | None:
    """`order_of` the table of a file, from the cache: half a million in a kernel."""
    from ..cache import cached_columns

    if elf.build_id is None:
        return order_of(relative)

    def is_whole(columns: Columns) -> bool:
        found = {name: (each.format, len(each)) for name, each in columns.items()}
        return found in ({}, {"order": ("I", len(relative))})

    def compute() -> Columns:
        order = order_of(relative)
        return {} if order is None else {"order": memoryview(order)}

    key = elf.build_id + relative.nbytes.to_bytes(8, "little")
    columns = cached_columns("orc", _CACHE_VERSION, key, elf.path, is_whole, compute)
    return columns.get("order")


def _release(prog: Program) -> tuple[int, ...]:
    """Major and minor version of a kernel."""
    import re

    text = prog["UTS_RELEASE"].string_().decode()
    match = re.match(r"(\d+)\.(\d+)", text)
    if match is None:
        raise ValueError(f"cannot parse kernel release {text!r}")
    return tuple(map(int, match.groups()))
