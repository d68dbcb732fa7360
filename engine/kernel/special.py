"""The "linux" object finder: macros and other names that no debug info has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..flags import FindObjectFlags
from ..types.kinds import Qualifiers, TypeKind

if TYPE_CHECKING:
    from ..objects.object import Object
    from ..program import Program
    from .vmcoreinfo import Vmcoreinfo

    Finder = Callable[[Program, Vmcoreinfo], Object | None]

_CONSTANT, _VARIABLE = FindObjectFlags.CONSTANT, FindObjectFlags.VARIABLE


def find_special_object(
    prog: Program, name: str, flags: FindObjectFlags, filename: str | None
) -> Object | None:
    """The object finder; None for a name that is not special or not known."""
    special = _SPECIAL.get(name)
    if special is None or filename is not None or prog._kernel is None:
        return None
    kind, find = special
    if not flags._value_ & kind._value_:
        return None
    return find(prog, prog._kernel.vmcoreinfo)


def _value(prog: Program, type_name: str, value: int) -> Object:
    from ..objects.object import Object

    return Object._val(prog.type(type_name), value)


def _string(prog: Program, value: bytes) -> Object:
    from ..objects.object import Object

    char = prog.type("char").qualified(Qualifiers.CONST)
    return Object._from_buffer(prog.array_type(char, len(value)), value)


def _uts_release(prog: Program, info: Vmcoreinfo) -> Object:
    return _string(prog, info.osrelease.encode() + b"\0")


def _vmcoreinfo(prog: Program, info: Vmcoreinfo) -> Object:
    return _string(prog, info.raw)


def _page_shift(prog: Program, info: Vmcoreinfo) -> Object:
    return _value(prog, "int", info.page_size.bit_length() - 1)


def _page_size(prog: Program, info: Vmcoreinfo) -> Object:
    return _value(prog, "unsigned long", info.page_size)


def _page_mask(prog: Program, info: Vmcoreinfo) -> Object:
    bits = 8 * prog.address_size()
    return _value(prog, "unsigned long", (1 << bits) - info.page_size)


def _number(name: str) -> Finder:
    """A finder of an int that VMCOREINFO has."""

    def find(prog: Program, info: Vmcoreinfo) -> Object | None:
        value = info.number(name)
        return None if value is None else _value(prog, "int", value)

    return find


def _jiffies(prog: Program, info: Vmcoreinfo) -> Object | None:
    """The low word of jiffies_64, with which the linker makes it coincide."""
    from ..objects.object import Object

    jiffies_64 = prog._find_object("jiffies_64", _VARIABLE, None)
    if jiffies_64 is None or jiffies_64.address_ is None:
        return None
    address = jiffies_64.address_
    type = prog.type("unsigned long").qualified(Qualifiers.VOLATILE)
    if not prog._is_little_endian() and not prog._is_64_bit():
        address += 4
    return Object._ref(type, address)


# Documentation/x86/x86_64/mm.rst, of four levels of page tables.
_X86_64_VMEMMAP = 0xFFFFEA0000000000


def _vmemmap(prog: Program, info: Vmcoreinfo) -> Object | None:
    """The array of all ``struct page`` of SPARSEMEM_VMEMMAP."""
    address = info.symbol("vmemmap")
    if address is None:
        address = _x86_64_vmemmap(prog, info)
    if address is None:
        return None
    try:
        return _value(prog, "struct page *", address)
    except LookupError:
        return None


def _x86_64_vmemmap(prog: Program, info: Vmcoreinfo) -> int | None:
    """Where x86-64 has it; None if pages are elsewhere.

    There is a place for it without SPARSEMEM_VMEMMAP, too.
    """
    first = _first_mem_map(prog, info)
    base = prog._find_object("vmemmap_base", _VARIABLE, None)
    if base is None:
        # Without CONFIG_DYNAMIC_MEMORY_LAYOUT, no variable has it.
        return first if first == _X86_64_VMEMMAP else None
    address: int = base.value_()
    return address if first in (None, address) else None


def _first_mem_map(prog: Program, info: Vmcoreinfo) -> int | None:
    """The array of pages, by page frame number, of the first section that has one."""
    roots = prog._find_object("mem_section", _VARIABLE, None)
    size = prog.type("struct mem_section").size if roots is not None else None
    if roots is None or not size:
        return None
    sections = roots[0]
    if sections.type_.kind == TypeKind.ARRAY:  # Not SPARSEMEM_EXTREME.
        sections = sections[0].address_of_()
    elif not sections:
        return None
    for i in range(info.page_size // size):
        mem_map: int = sections[i].section_mem_map.value_()
        if mem_map & 2:  # SECTION_HAS_MEM_MAP
            return mem_map & ~0x3F  # Flags are in the low bits.
    return None


def _thread_size(prog: Program, info: Vmcoreinfo) -> Object | None:
    """The size of a kernel stack: that of the union with it, or of the first one."""
    try:
        size = prog.type("union thread_union").size
    except LookupError:
        size = _init_stack_size(prog)
    return None if size is None else _value(prog, "unsigned long", size)


def _init_stack_size(prog: Program) -> int | None:
    # What include/asm-generic/vmlinux.lds.h calls it depends on the version.
    for name in ("stack", "task"):
        start = prog._find_symbol(f"__start_init_{name}", None)
        end = prog._find_symbol(f"__end_init_{name}", None)
        if start is not None and end is not None:
            return end.address - start.address
    return None


_SPECIAL: dict[str, tuple[FindObjectFlags, Finder]] = {
    "MAX_PHYSMEM_BITS": (_CONSTANT, _number("MAX_PHYSMEM_BITS")),
    "PAGE_MASK": (_CONSTANT, _page_mask),
    "PAGE_SHIFT": (_CONSTANT, _page_shift),
    "PAGE_SIZE": (_CONSTANT, _page_size),
    "SECTION_SIZE_BITS": (_CONSTANT, _number("SECTION_SIZE_BITS")),
    "THREAD_SIZE": (_CONSTANT, _thread_size),
    "UTS_RELEASE": (_CONSTANT, _uts_release),
    "VMCOREINFO": (_CONSTANT, _vmcoreinfo),
    "jiffies": (_VARIABLE, _jiffies),
    "vmemmap": (_CONSTANT, _vmemmap),
}
