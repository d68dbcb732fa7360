"""
Kallsyms
--------

``drgn.helpers.linux.kallsyms`` reads the symbol tables that the kernel keeps of
itself and of its modules, so that symbols can be found without debugging symbols.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack

from drgn import (
    MissingDebugInfoError,
    Object,
    PlatformFlags,
    Program,
    ProgramFlags,
    Symbol,
    SymbolBinding,
    SymbolIndex,
    SymbolKind,
)
from drgn.helpers import ValidationError
from drgn.helpers.linux.module import for_each_module

__all__ = ("load_module_kallsyms", "load_vmlinux_kallsyms", "module_kallsyms")

_MAX_SIZE = 0x10000

# The binding and the kind of a symbol by its letter; see nm(1).
_BINDINGS = {
    "u": SymbolBinding.UNIQUE,
    "v": SymbolBinding.WEAK,
    "w": SymbolBinding.WEAK,
}
_KINDS = {
    "b": SymbolKind.OBJECT,
    "c": SymbolKind.OBJECT,
    "d": SymbolKind.OBJECT,
    "g": SymbolKind.OBJECT,
    "r": SymbolKind.OBJECT,
    "s": SymbolKind.OBJECT,
    "t": SymbolKind.FUNC,
    "v": SymbolKind.OBJECT,
}


def load_vmlinux_kallsyms(prog: Program) -> SymbolIndex:
    """Read the symbol table of the kernel itself.

    On the running kernel it comes from ``/proc/kallsyms``, which only root can read
    in full; otherwise from memory, with addresses from vmcoreinfo, which Linux has
    since 6.0. Debugging symbols are not needed.

    :raises MissingDebugInfoError: if vmcoreinfo has no addresses of the symbol table

    >>> load_vmlinux_kallsyms(prog)
    <_drgn.SymbolIndex object at 0x7fdfb1fd3900>
    """
    if prog.flags & ProgramFlags.IS_LOCAL:
        return SymbolIndex(_symbols(_proc_kallsyms()))
    return SymbolIndex(_symbols(_builtin_kallsyms(prog)))


def _symbols(entries: Iterator[tuple[int, str, str]]) -> Iterator[Symbol]:
    """Make symbols, which are taken to end where the next one begins."""
    table = sorted(entries, key=lambda entry: entry[0])
    for i, (address, letter, name) in enumerate(table):
        size = table[i + 1][0] - address if i + 1 < len(table) else 0
        # What is that far from the next one is the last of its section.
        yield _symbol(name, address, size if size < _MAX_SIZE else 0, letter)


def _symbol(name: str, address: int, size: int, letter: str) -> Symbol:
    lower = letter.lower()
    binding = _BINDINGS.get(lower)
    if binding is None:
        # A lower case letter is local but for some that have no upper case one.
        binding = SymbolBinding.UNKNOWN if letter == lower else SymbolBinding.GLOBAL
    kind = _KINDS.get(lower, SymbolKind.UNKNOWN)
    return Symbol(name, address, size, binding, kind)


def _proc_kallsyms() -> Iterator[tuple[int, str, str]]:
    with open("/proc/kallsyms") as file:
        for line in file:
            address, letter, name, *module = line.split()
            if not module:
                yield int(address, 16), letter, name


def _builtin_kallsyms(prog: Program) -> Iterator[tuple[int, str, str]]:
    """Decode kallsyms (scripts/kallsyms.c, kernel/kallsyms.c)."""
    symbols = _vmcoreinfo_symbols(prog)
    order = "<" if _is_little_endian(prog) else ">"
    count = prog.read_u32(symbols["kallsyms_num_syms"])
    tokens = _tokens(prog, symbols, order)
    # The names are followed by kallsyms_markers or, since 6.2 (60443c88f3a8), by
    # others; read on until all are there.
    names = _Reader(prog, symbols["kallsyms_names"])
    for address in _addresses(prog, symbols, count, order):
        length = names.byte()
        if length & 0x80:
            # Names longer than 127 tokens, since 6.1 (73bbb94466fd).
            length = length & 0x7F | names.byte() << 7
        name = b"".join(tokens[names.byte()] for _ in range(length))
        if not name:
            raise ValidationError(f"symbol of kallsyms at {address:#x} has no name")
        yield address, chr(name[0]), name[1:].decode(errors="replace")


def _vmcoreinfo_symbols(prog: Program) -> dict[str, int]:
    symbols = {}
    for line in prog["VMCOREINFO"].string_().decode(errors="replace").split("\n"):
        key, _, value = line.partition("=")
        if key.startswith("SYMBOL(kallsyms_"):
            symbols[key[len("SYMBOL(") : -1]] = int(value, 16)
    for name in (
        "kallsyms_names",
        "kallsyms_num_syms",
        "kallsyms_token_table",
        "kallsyms_token_index",
    ):
        # All of them are there since 6.0 (f09bddbd8661).
        if name not in symbols:
            raise MissingDebugInfoError(
                f"vmcoreinfo does not have the address of {name}"
            )
    return symbols


def _is_little_endian(prog: Program) -> bool:
    platform = prog.platform
    return platform is None or PlatformFlags.IS_LITTLE_ENDIAN in platform.flags


def _addresses(
    prog: Program, symbols: dict[str, int], count: int, order: str
) -> list[int]:
    if "kallsyms_offsets" not in symbols:
        # !CONFIG_KALLSYMS_BASE_RELATIVE
        size = prog.address_size()
        data = prog.read(symbols["kallsyms_addresses"], count * size)
        return list(unpack(f"{order}{count}{'Q' if size == 8 else 'I'}", data))
    data = prog.read(symbols["kallsyms_offsets"], count * 4)
    offsets = unpack(f"{order}{count}i", data)
    if "kallsyms_relative_base" not in symbols:
        # Since 7.0 (a081b5789255), each is relative to where it is itself.
        own = symbols["kallsyms_offsets"]
        return [own + 4 * i + offset for i, offset in enumerate(offsets)]
    base = prog.read_word(symbols["kallsyms_relative_base"])
    if any(offset < 0 for offset in offsets):
        # CONFIG_KALLSYMS_ABSOLUTE_PERCPU: per-CPU symbols are absolute, the others
        # negative. Removed in 6.15.
        return [offset if offset >= 0 else base - 1 - offset for offset in offsets]
    return [base + offset for offset in offsets]


def _tokens(prog: Program, symbols: dict[str, int], order: str) -> list[bytes]:
    data = prog.read(symbols["kallsyms_token_index"], 512)
    table = symbols["kallsyms_token_table"]
    return [prog.read_c_string(table + index) for index in unpack(f"{order}256H", data)]


class _Reader:
    """Reads bytes one after another, a page at a time."""

    def __init__(self, prog: Program, address: int) -> None:
        self._prog = prog
        self._address = address
        self._bytes = iter(b"")

    def byte(self) -> int:
        for byte in self._bytes:
            return byte
        size = 4096 - self._address % 4096
        self._bytes = iter(self._prog.read(self._address, size))
        self._address += size
        return next(self._bytes)


def load_module_kallsyms(prog: Program) -> SymbolIndex:
    """Read the symbol tables of the loaded kernel modules.

    This needs debugging symbols of the kernel itself, and ``CONFIG_KALLSYMS``.

    >>> load_module_kallsyms(prog)
    <_drgn.SymbolIndex object at 0x7fdfb0d35a00>
    """
    return SymbolIndex(
        symbol for module in for_each_module(prog) for symbol in module_kallsyms(module)
    )


_ELF_BINDINGS = {
    0: SymbolBinding.LOCAL,
    1: SymbolBinding.GLOBAL,
    2: SymbolBinding.WEAK,
    10: SymbolBinding.UNIQUE,
}
_ELF_KINDS = {
    1: SymbolKind.OBJECT,
    2: SymbolKind.FUNC,
    3: SymbolKind.SECTION,
    4: SymbolKind.FILE,
    5: SymbolKind.COMMON,
    6: SymbolKind.TLS,
    10: SymbolKind.IFUNC,
}
_ADDRESS_MASK = (1 << 64) - 1
_SHN_UNDEF = 0


def module_kallsyms(module: Object) -> list[Symbol]:
    """Return the symbols of a kernel module.

    :param module: ``struct module *``

    >>> module_kallsyms(find_module(prog, "loop"))[0].name
    '_note_10'
    """
    prog = module.prog_
    try:
        kallsyms = module.kallsyms.read_()
    except AttributeError:
        # In older kernels, they are members of struct module itself.
        kallsyms = module
    if not kallsyms:
        return []
    # Before 5.2 (1c7651f43777), letters overwrote st_info.
    has_letters = not hasattr(kallsyms, "typetab")
    count: int = kallsyms.num_symtab.value_()
    strtab: int = kallsyms.strtab.value_()
    symbols = []
    for i in range(count):
        elf_symbol = kallsyms.symtab[i].read_()
        place = strtab + elf_symbol.st_name.value_() & _ADDRESS_MASK
        name = prog.read_c_string(place)
        if elf_symbol.st_shndx.value_() == _SHN_UNDEF or not name:
            continue
        address: int = elf_symbol.st_value.value_()
        size: int = elf_symbol.st_size.value_()
        info: int = elf_symbol.st_info.value_()
        text = name.decode(errors="replace")
        if has_letters:
            symbols.append(_symbol(text, address, size, chr(info)))
            continue
        binding = _ELF_BINDINGS.get(info >> 4, SymbolBinding.UNKNOWN)
        kind = _ELF_KINDS.get(info & 0xF, SymbolKind.UNKNOWN)
        symbols.append(Symbol(text, address, size, binding, kind))
    return symbols
