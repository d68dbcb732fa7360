"""Symbols: names of address ranges in a program."""

from __future__ import annotations

import enum

from ..arguments import class_label, type_label, uint64
from ..closed import ApiClass, closed


class SymbolBinding(enum.Enum):
    """How a symbol is linked, ``STB_*`` plus 1 of the ELF gABI."""

    UNKNOWN = 0
    LOCAL = 1
    GLOBAL = 2
    WEAK = 3
    UNIQUE = 11


class SymbolKind(enum.Enum):
    """What a symbol names, ``STT_*`` of the ELF gABI."""

    UNKNOWN = 0
    OBJECT = 1
    FUNC = 2
    SECTION = 3
    FILE = 4
    COMMON = 5
    TLS = 6
    IFUNC = 10


@closed
class Symbol(metaclass=ApiClass):
    """A name for ``size`` bytes at ``address``. Immutable."""

    __slots__ = ("_address", "_binding", "_kind", "_name", "_size")

    def __init__(
        self,
        name: str,
        address: int,
        size: int,
        binding: SymbolBinding,
        kind: SymbolKind,
    ) -> None:
        if not isinstance(name, str):
            raise TypeError(f"Symbol() argument 1 must be str, not {type_label(name)}")
        self._name = name
        self._address = uint64(address)
        self._size = uint64(size)
        if not isinstance(binding, SymbolBinding):
            raise TypeError(f"expected SymbolBinding, not {class_label(binding)}")
        if not isinstance(kind, SymbolKind):
            raise TypeError(f"expected SymbolKind, not {class_label(kind)}")
        self._binding = binding
        self._kind = kind

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def address(self) -> int:
        """The first address."""
        return self._address

    @property
    def size(self) -> int:
        """The size in bytes; 0 if it has none or it is not known."""
        return self._size

    @property
    def binding(self) -> SymbolBinding:
        """How the symbol is linked."""
        return self._binding

    @property
    def kind(self) -> SymbolKind:
        """What the symbol names."""
        return self._kind

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Symbol):
            return NotImplemented
        return (
            self._address == other._address
            and self._name == other._name
            and self._size == other._size
            and self._binding is other._binding
            and self._kind is other._kind
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"Symbol(name={self._name!r}, address={self._address:#x},"
            f" size={self._size:#x}, binding={self._binding!r}, kind={self._kind!r})"
        )


def symbol_of_elf(name: str, address: int, size: int, info: int) -> Symbol:
    """A Symbol from the fields of an ELF symbol (gABI, "Symbol Table").

    They need no checks, which take most of the time where there are many.
    """
    symbol = object.__new__(Symbol)
    symbol._name = name
    symbol._address = address
    symbol._size = size
    symbol._binding = _BINDINGS[info >> 4]
    symbol._kind = _KINDS[info & 0xF]
    return symbol


_BINDINGS = [SymbolBinding.UNKNOWN] * 16
for _binding in SymbolBinding:
    if _binding.value:
        _BINDINGS[_binding.value - 1] = _binding
_KINDS = [SymbolKind.UNKNOWN] * 16
for _kind in SymbolKind:
    _KINDS[_kind.value] = _kind
