"""Objects that the kernel's source has as macros: the finder "linux".

Their values come from VMCOREINFO and debugging information. Nothing is known about a
kernel whose information does not tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..flags import FindObjectFlags
from ..objects.object import Object
from ..platform import Architecture
from ..types.kinds import PrimitiveType, Qualifiers

if TYPE_CHECKING:
    from ..program import Program
    from .vmcoreinfo import Vmcoreinfo

# arch/x86/include/asm/sparsemem.h
_X86_64_PHYSMEM_BITS = {4: 46, 5: 52}
_X86_64_SECTION_SIZE_BITS = 27
# __VMEMMAP_BASE_L4 and _L5 of arch/x86/include/asm/pgtable_64_types.h, for kernels
# without vmemmap_base, which came with KASLR of memory regions in 4.9.
_X86_64_VMEMMAP = {4: 0xFFFFEA0000000000, 5: 0xFFD4000000000000}


class SpecialObjects:
    """Finds the special objects of one kernel."""

    __slots__ = ("_constants", "_levels", "_memo", "_prog", "_variables", "_vmcoreinfo")

    def __init__(self, prog: Program, vmcoreinfo: Vmcoreinfo, levels: int) -> None:
        """``levels`` are those of the page tables."""
        self._prog = prog
        self._vmcoreinfo = vmcoreinfo
        self._levels = levels
        self._memo: dict[str, Object] = {}
        self._constants: dict[str, Callable[[], Object | None]] = {
            "MAX_PHYSMEM_BITS": self._max_physmem_bits,
            "PAGE_MASK": self._page_mask,
            "PAGE_SHIFT": self._page_shift,
            "PAGE_SIZE": self._page_size,
            "SECTION_SIZE_BITS": self._section_size_bits,
            "THREAD_SIZE": self._thread_size,
            "UTS_RELEASE": self._uts_release,
            "VMCOREINFO": self._vmcoreinfo_object,
        }
        self._variables: dict[str, Callable[[], Object | None]] = {
            "jiffies": self._jiffies,
            "vmemmap": self._vmemmap,
        }

    def find(
        self, prog: Program, name: str, flags: FindObjectFlags, filename: str | None
    ) -> Object | None:
        """The finder, as `Program.register_object_finder()` takes it."""
        make = self._constants.get(name)
        kind = FindObjectFlags.CONSTANT
        if make is None:
            make = self._variables.get(name)
            kind = FindObjectFlags.VARIABLE
        if make is None or filename is not None or not flags & kind:
            return None
        found = self._memo.get(name)
        if found is None:
            found = make()
            if found is not None:
                self._memo[name] = found
        return found

    def _int(self, value: int) -> Object:
        return Object(self._prog, "int", value)

    def _unsigned_long(self, value: int) -> Object:
        return Object(self._prog, "unsigned long", value)

    def _string(self, value: bytes) -> Object:
        types = self._prog._types
        char = types.primitive(PrimitiveType.C_CHAR).qualified(Qualifiers.CONST)
        return Object.from_bytes_(
            self._prog, types.array_type(char, len(value) + 1), value + b"\0"
        )

    def _page_shift(self) -> Object:
        return self._int(self._vmcoreinfo.page_size.bit_length() - 1)

    def _page_size(self) -> Object:
        return self._unsigned_long(self._vmcoreinfo.page_size)

    def _page_mask(self) -> Object:
        return self._unsigned_long(-self._vmcoreinfo.page_size)

    def _uts_release(self) -> Object:
        return self._string(self._vmcoreinfo.osrelease.encode())

    def _vmcoreinfo_object(self) -> Object:
        return self._string(self._vmcoreinfo.raw)

    def _thread_size(self) -> Object | None:
        # It has the stack of a task in it (include/linux/sched.h).
        try:
            size = self._prog.type("union thread_union").size
        except LookupError:
            return None
        return self._unsigned_long(size) if size else None

    def _max_physmem_bits(self) -> Object | None:
        bits = self._vmcoreinfo.number("MAX_PHYSMEM_BITS")  # Since 5.9.
        if bits is None and self._is_x86_64():
            bits = _X86_64_PHYSMEM_BITS.get(self._levels)
        return None if bits is None else self._int(bits)

    def _section_size_bits(self) -> Object | None:
        bits = self._vmcoreinfo.number("SECTION_SIZE_BITS")  # Since 5.13.
        if bits is None and self._is_x86_64():
            bits = _X86_64_SECTION_SIZE_BITS
        return None if bits is None else self._int(bits)

    def _is_x86_64(self) -> bool:
        platform = self._prog.platform
        return platform is not None and platform.arch is Architecture.X86_64

    def _jiffies(self) -> Object | None:
        # The linker script makes jiffies the low half of jiffies_64.
        prog = self._prog
        jiffies_64 = prog._find_object("jiffies_64", FindObjectFlags.VARIABLE, None)
        if jiffies_64 is None or jiffies_64.address_ is None:
            return None
        address = jiffies_64.address_
        if not prog._is_64_bit() and not prog._is_little_endian():
            address += 4
        return Object(prog, "volatile unsigned long", address=address)

    def _vmemmap(self) -> Object | None:
        prog = self._prog
        base = prog._find_object("vmemmap_base", FindObjectFlags.VARIABLE, None)
        if base is not None:
            address = base.value_()
        elif self._is_x86_64() and self._levels in _X86_64_VMEMMAP:
            address = _X86_64_VMEMMAP[self._levels]
        else:
            return None
        return Object(prog, "struct page *", address)
